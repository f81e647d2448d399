"""Programs to try the providers with."""
