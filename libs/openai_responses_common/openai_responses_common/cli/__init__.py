"""The command line that the modules share; makes a call to a model only for `status --check`."""
