"""What the services refuse, as rows: the text and status of each refusal, and who says so."""
