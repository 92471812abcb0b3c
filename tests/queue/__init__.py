"""Tests of what waits."""
