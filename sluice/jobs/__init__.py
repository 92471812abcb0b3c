"""Jobs: their ledger, the lease of the process that works on one, and recovery after a crash."""
