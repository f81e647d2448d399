"""The HTTP server, TLS and server-sent events."""
