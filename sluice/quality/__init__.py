"""Judges a stage by its contract: Great Expectations on DuckDB, and the records it turns away."""

from sluice.quality.audit import audit, rehearse, warm_up
from sluice.quality.verdict import RuleResult, Verdict

__all__ = ["RuleResult", "Verdict", "audit", "rehearse", "warm_up"]
