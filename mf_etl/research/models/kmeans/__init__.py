"""K-means by Lloyd's algorithm."""
