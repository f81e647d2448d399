"""Who calls: every way to a token of Microsoft Entra, and the choice between them."""
