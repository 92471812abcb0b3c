"""Tests of ``sluice.warehouse``."""
