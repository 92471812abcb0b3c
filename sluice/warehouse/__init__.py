"""The warehouse: a PostgreSQL server, Sluice's own tables in it, and the dataset tables."""
