"""Sends bytes and yields events, through one HTTP library or another; knows no messages and retries nothing."""
