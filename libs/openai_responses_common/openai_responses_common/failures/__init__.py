"""Read, classify and learn from a failed attempt; never sends, waits or retries."""
