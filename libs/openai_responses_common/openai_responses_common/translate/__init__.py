"""Translate Amplifier's messages to items of the wire and back; does no I/O and knows no clock."""
