"""Classifies the columns of a table: which hold data about persons or secrets, how sure that is, and why."""

from sluice.classify.classes import LEVELS, Classified
from sluice.classify.table import Classification, classify

__all__ = ["LEVELS", "Classification", "Classified", "classify"]
