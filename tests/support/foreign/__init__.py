"""What runs programs of other makers: `nox -s servers` and `nox -s clients`."""
