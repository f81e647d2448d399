"""One call from request to response: attempts, retries, continuations and hook events; knows no credential."""
