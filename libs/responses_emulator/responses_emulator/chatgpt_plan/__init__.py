"""A ChatGPT plan by Sign in with ChatGPT: the issuer with its page, and the API for an app of one person."""
