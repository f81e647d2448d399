"""Read, classify and learn from what a service refused; never retries and never waits."""
