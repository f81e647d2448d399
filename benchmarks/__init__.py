"""What the code costs beside reading the bare bytes: `python -m benchmarks` prints a table."""
