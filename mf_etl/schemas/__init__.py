"""One module a step declares the tables that the step writes."""
