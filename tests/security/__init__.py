"""What a reviewer of security would try; the markers `promise` say what each test proves."""
