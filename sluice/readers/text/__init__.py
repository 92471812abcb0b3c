"""Delimited text: what of a file is its table, and its cells exactly."""
