"""A chat in the terminal on a real Amplifier session, with this repository's providers: `python -m examples.chat`."""
