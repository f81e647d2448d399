"""OpenAI's sign-in: device codes, tokens, refresh and revocation."""
