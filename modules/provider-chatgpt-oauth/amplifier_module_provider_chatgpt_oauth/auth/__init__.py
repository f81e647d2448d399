"""Who calls: the sign-in to a ChatGPT plan, its tokens and their refresh."""
