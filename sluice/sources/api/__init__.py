"""API sources: an endpoint declared, its pages fetched into one file that is then read like any other."""
