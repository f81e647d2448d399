"""Token counts, the prompt cache and the rate limits of the service."""
