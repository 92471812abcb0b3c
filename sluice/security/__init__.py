"""Who asks, what they may, and how messages are proven."""
