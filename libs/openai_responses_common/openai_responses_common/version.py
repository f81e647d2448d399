"""The one version of the library and its modules."""

__version__ = "0.1.0"
