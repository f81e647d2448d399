"""The models that the service offers."""
