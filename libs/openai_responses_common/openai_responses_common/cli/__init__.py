"""The command line that the modules share; makes no call to a model."""
