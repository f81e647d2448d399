"""Azure OpenAI: surfaces, errors, and Resource Manager."""
