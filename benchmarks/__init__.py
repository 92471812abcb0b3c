"""What ``make bench`` runs: one CSV into PostgreSQL by ``psql \\copy``, Sluice and dlt."""
