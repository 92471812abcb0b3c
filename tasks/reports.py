"""What a run shows in the Prefect UI: live progress, and artifacts with the result."""

from uuid import UUID

from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from sluice.jobs import ledger
from sluice.jobs.outcome import Outcome
from sluice.jobs.samples import sample_rejects
from sluice.jobs.steps import Job, contract_of
from sluice.warehouse.connection import Warehouse


class Progress:
    """Moves the job's row and the run's progress bar together."""

    def __init__(self, warehouse: Warehouse, job: Job) -> None:
        self._warehouse = warehouse
        self._job = job
        self._artifact: UUID = create_progress_artifact(  # type: ignore[assignment]
            progress=0.0, key="progress", description=f"Ingesting into {job.dataset}"
        )

    def __call__(self, percent: int, stage: str, message: str) -> None:
        """Report that the job is at ``percent`` (0-100)."""
        ledger.move(self._warehouse, self._job.job_id, stage=stage, progress=percent, message=message)
        update_progress_artifact(self._artifact, progress=float(percent), description=message)

    def done(self) -> None:
        """Fill the bar."""
        update_progress_artifact(self._artifact, progress=100.0, description="done")


def sentence(outcome: Outcome) -> str:
    """The outcome in one line for the log."""
    if outcome.skipped and not outcome.read:
        return f"{outcome.dataset}: this content was loaded before by {outcome.skipped[0]['job_id']}; nothing to do."
    parts = [f"{outcome.read} read", f"{outcome.published} published", f"{outcome.unchanged} unchanged"]
    parts += [f"{outcome.superseded} superseded", f"{outcome.rejected} rejected"]
    return f"{outcome.dataset}: {', '.join(parts)} in {outcome.seconds.get('total', 0):.2f} s."


def publish_artifacts(warehouse: Warehouse, outcome: Outcome, progress: Progress) -> None:
    """Show the result in the UI. The load is committed: trouble here is logged, never raised."""
    progress.done()
    create_table_artifact(key="result", table=[_result(outcome)], description=sentence(outcome))
    if outcome.rejected:
        reasons = [{"reason": name, "records": count} for name, count in outcome.reasons.items()]
        create_table_artifact(
            key="rejects-by-reason", table=reasons, description="Records that were not published"
        )
        create_table_artifact(
            key="rejects-sample",
            table=sample_rejects(warehouse, outcome.job_id),
            description=f"The first rejects. All of them: `sluice rejects {outcome.job_id}`",
        )
    if outcome.drift or outcome.warnings:
        create_markdown_artifact(key="notes", markdown=_notes(outcome), description="Drift and warnings")
    contract = contract_of(outcome.dataset)
    create_link_artifact(
        key="table",
        link=f"{warehouse.safe_url}#{contract.schema}.{contract.table}",
        link_text=f"{contract.schema}.{contract.table}",
        description="Where the rows are; `sluice db psql` opens a shell there",
    )


def _result(outcome: Outcome) -> dict[str, object]:
    return {
        "dataset": outcome.dataset,
        "mode": outcome.mode,
        "read": outcome.read,
        "published": outcome.published,
        "unchanged": outcome.unchanged,
        "superseded": outcome.superseded,
        "rejected": outcome.rejected,
        "quality": outcome.quality_score,
        "seconds": outcome.seconds.get("total"),
        "rows/s": outcome.rows_per_second,
        "job": outcome.job_id,
    }


def _notes(outcome: Outcome) -> str:
    lines = []
    if outcome.drift:
        lines.append(
            "**Columns that the contract does not know** (kept in `_extra`): " + ", ".join(outcome.drift)
        )
    lines += [f"- warning: {text}" for text in outcome.warnings]
    return "\n\n".join(lines)
