"""Where uploaded bytes land, and how they are continued."""
