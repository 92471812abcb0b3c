"""Prefect tasks: each opens what it needs, calls one function of the library and returns something small."""
