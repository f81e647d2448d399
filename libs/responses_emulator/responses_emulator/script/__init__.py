"""What a test or a script says that the service does next."""
