"""Trust in a whole build: what was read, what is missing, what looks wrong."""
