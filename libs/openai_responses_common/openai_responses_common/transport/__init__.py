"""Sends bytes and yields events over HTTP; knows no messages, and retries only a request with a refused credential."""
