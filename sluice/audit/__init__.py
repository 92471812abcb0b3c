"""The audit log: its chain, the anchors that sign it, and reports of it."""
