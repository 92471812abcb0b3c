"""What is kept about one person: found, exported and erased."""
