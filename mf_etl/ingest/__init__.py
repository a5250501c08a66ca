"""Raw text to typed rows."""
