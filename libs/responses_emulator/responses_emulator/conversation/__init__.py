"""What the service remembers of a conversation, and which calls and results belong together."""
