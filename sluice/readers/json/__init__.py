"""JSON as tables."""
