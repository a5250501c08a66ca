"""Walk-forward: a model refitted year by year on the past alone, and the labels that come of it."""
