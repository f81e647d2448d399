"""A turn made into output items, a response object and stream events."""
