"""Datasets and market-regime models over the features of all tickers."""
