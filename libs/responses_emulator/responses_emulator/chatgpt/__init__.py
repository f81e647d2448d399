"""The backend of a ChatGPT plan: surface, catalogue, limits, errors."""
