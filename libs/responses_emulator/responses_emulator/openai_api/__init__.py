"""The API of OpenAI: surface and errors."""
