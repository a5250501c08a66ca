"""Gaussian hidden Markov models over a whole market: fit, decode, store and describe."""
