"""The recommendations as rules: facts in, evaluation out. Standard library only, no clock, no I/O but its tables."""
