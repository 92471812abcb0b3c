"""Runs that start at once: in a copy of a process that has imported everything already."""
