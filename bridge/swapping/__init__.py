"""Heads put into a model for the length of a block."""
