"""Who calls: keys, tokens, their renewal and the sign-in of a person; knows no message and no model."""
