"""What one publish needs to know."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sluice.contracts.model import Contract
from sluice.jobs import rejects
from sluice.jobs.source_states import SourceState
from sluice.quality.verdict import Verdict
from sluice.readers.base import Stage
from sluice.security.cells import Sealer


@dataclass(frozen=True, slots=True)
class Publication:
    """The stages to publish, and how. ``incoming`` names their tables, in the same order; ``seal`` encrypts rows on
    their way there, where the contract wants it.
    """

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
    states: tuple[SourceState, ...] = ()
    seal: Sealer | None = None
    warnings: tuple[str, ...] = ()

    @property
    def nothing_left(self) -> bool:
        """Whether the audit turned every row away."""
        return sum(stage.rows for stage in self.stages) == self.verdict.rejected
