"""What one publish needs to know."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sluice.contracts.model import Contract
from sluice.jobs import rejects
from sluice.quality.verdict import Verdict
from sluice.readers.base import Stage


@dataclass(frozen=True, slots=True)
class Publication:
    """The stages to publish, and how. ``incoming`` names their tables, in the same order."""

    job_id: str
    organization_id: int
    contract: Contract
    mode: str
    stages: Sequence[Stage]
    incoming: Sequence[str]
    verdict: Verdict
    locate: rejects.Locate
    force: bool = False
    flow_run_id: str | None = None
    skipped: tuple[dict[str, str], ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def nothing_left(self) -> bool:
        """Whether the audit turned every row away."""
        return sum(stage.rows for stage in self.stages) == self.verdict.rejected
