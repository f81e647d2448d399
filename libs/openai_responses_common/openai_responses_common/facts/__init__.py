"""Facts about services and models as rows with a source and a date; knows nothing of a single call."""
