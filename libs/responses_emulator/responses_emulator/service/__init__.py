"""One request from authentication to reply, and the state that all surfaces share."""
