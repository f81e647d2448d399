"""The modules in Amplifier's own command line, which `nox -s amplifier` installs and uses as a person does."""
