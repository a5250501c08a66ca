"""Silver: helper series and indicators of one ticker."""
