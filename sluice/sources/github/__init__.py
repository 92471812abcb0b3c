"""GitHub as a source: repositories as projects, issues as bugs, asked for with few requests."""
