"""What the caller asked for: settings, request and keyword arguments read into typed values; knows no wire format."""
