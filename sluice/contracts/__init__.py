"""Contracts: ODCS files read, checked and compiled into what the rest of Sluice needs."""
