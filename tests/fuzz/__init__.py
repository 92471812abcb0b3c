"""Fuzzing of the readers: mutated files through what ``sluice read`` does, under a memory limit and a clock."""
