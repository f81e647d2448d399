"""Amplifier's provider protocol, and what a module hands over for its service; knows no wire format."""
