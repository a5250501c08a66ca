"""Whether there is anything in states: inference on what followed them, and what trading them gave."""
