"""What a request may hold, and the refusal of everything else."""
