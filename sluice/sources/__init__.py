"""Where records come from, and how their bytes reach the disk."""
