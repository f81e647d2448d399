"""Error bodies that Azure and Entra have in common."""
