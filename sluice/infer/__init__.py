"""Proposes a contract for a file: types, formats, keys, allowed values and personal data, each with its evidence."""

from sluice.infer.proposal import Proposal, propose

__all__ = ["Proposal", "propose"]
