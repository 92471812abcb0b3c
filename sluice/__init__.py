"""Sluice: files, APIs and streams into PostgreSQL, every row checked, none lost, none doubled."""
