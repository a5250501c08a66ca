"""Gold: events, states and features of one ticker."""
