"""The module on real servers of other makers, which `nox -s servers` installs and starts."""
