"""What provider-openai-v2 promises at servers that are not OpenAI's."""
