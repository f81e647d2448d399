"""Where the tokens of a sign-in are stored between processes; knows no service and renews nothing."""
