"""Functions that make the output of a request for which nothing is scripted."""
