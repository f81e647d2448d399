"""Bytes out, events in, over one connection library or another; knows no message and retries nothing."""
