"""A mixture of Student-t distributions: a model that the library does not have, for a test."""
