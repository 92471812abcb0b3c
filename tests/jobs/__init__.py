"""Tests of ``sluice.jobs``."""
