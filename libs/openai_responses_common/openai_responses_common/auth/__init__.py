"""Keys, tokens, their refresh and the sign-in of a user; knows no messages and no models."""
