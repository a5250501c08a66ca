"""Bronze: raw rows to valid bars, rejects and a quality report."""
