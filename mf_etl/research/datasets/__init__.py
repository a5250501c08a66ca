"""Gold features of many tickers to one research dataset, with forward outcomes."""
