"""Tests of what is true of the ChatGPT module alone."""
