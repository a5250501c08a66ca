"""What a build has to do: tickers in slots, what is known of each, what is pending and why."""
