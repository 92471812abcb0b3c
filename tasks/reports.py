"""What a run shows in the Prefect UI: live progress, and artifacts with the result."""

import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import get_run_logger
from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from psycopg import sql

from sluice.audit.report import SUFFIX
from sluice.contracts.model import Contract
from sluice.jobs import ledger, loads, progress
from sluice.jobs.outcome import Outcome
from sluice.jobs.samples import lines_left_out, sample_rejects
from sluice.jobs.steps import Job, contract_of
from sluice.readers.account import counted, outside
from sluice.warehouse.columns import table_name
from sluice.warehouse.connection import Warehouse

BAR_SECONDS = 0.5  # between two moves of a run's bar
FIRST_SECONDS = 2.0  # until a run gets a bar
AT_ONCE = 6


class Progress:
    """Moves the job's row and the run's progress bar together. A run that is over in a moment gets no bar."""

    def __init__(self, warehouse: Warehouse, job: Job) -> None:
        self._warehouse = warehouse
        self._job = job
        self._shown = time.monotonic()
        self._artifact: UUID | None = None

    def __call__(self, percent: int, stage: str, message: str) -> None:
        """Report that the job is at ``percent`` (0-100). The bar moves at most twice a second."""
        ledger.move(self._warehouse, self._job.job_id, stage=stage, progress=percent, message=message)
        progress.step(message)
        if time.monotonic() - self._shown > (BAR_SECONDS if self._artifact else FIRST_SECONDS):
            self._shown = time.monotonic()
            self._show(float(percent), message)

    def done(self) -> None:
        """Fill the bar, if there is one."""
        if self._artifact:
            self._show(100.0, "done")

    def _show(self, percent: float, message: str) -> None:
        if self._artifact:
            update_progress_artifact(self._artifact, progress=percent, description=message)
        else:
            self._artifact = create_progress_artifact(  # type: ignore[assignment]
                progress=percent, key="progress", description=message
            )


def sentence(outcome: Outcome) -> str:
    """The outcome in one line for the log."""
    if outcome.skipped and not outcome.read:
        return f"{outcome.dataset}: this content was loaded before by {outcome.skipped[0]['job_id']}; nothing to do."
    parts = [f"{outcome.read} read", f"{outcome.published} published", f"{outcome.unchanged} unchanged"]
    parts += [f"{outcome.superseded} superseded", f"{outcome.rejected} rejected"]
    return f"{outcome.dataset}: {', '.join(parts)} in {outcome.seconds.get('total', 0):.2f} s."


def publish_artifacts(warehouse: Warehouse, outcome: Outcome, progress: Progress) -> None:
    """Show the result in the UI and note what it took. The load is committed: trouble is logged, never raised."""
    made: list[Callable[[], object]] = [progress.done, partial(loads.measured, warehouse, outcome)]
    _report(made + _artifacts(warehouse, outcome))


def publish_batch(
    warehouse: Warehouse, outcomes: Sequence[Outcome], failures: Mapping[str, Exception]
) -> None:
    """Show in the UI what became of each job of a run, and note what each took; trouble is logged, never raised."""
    made: list[Callable[[], object]] = [partial(loads.measured, warehouse, one) for one in outcomes]
    if len(outcomes) == 1 and not failures:
        made += _artifacts(warehouse, outcomes[0])
    else:
        rows = [_result(one) for one in outcomes]
        rows += [{"job": job_id, "error": str(error)} for job_id, error in failures.items()]
        said = f"{len(outcomes)} jobs done, {len(failures)} failed"
        made.append(partial(create_table_artifact, key="results", table=rows, description=said))
    _report(made)


def publish_security(report: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Show in the UI what was checked of the source's security policy, and the classes of its columns; no values."""
    shown = f"{_checked(report)}\n\n{_classes(found)}"
    about = "Security policy and classification"
    _report([partial(create_markdown_artifact, key="security", markdown=shown, description=about)])


def publish_audit(results: Sequence[Mapping[str, Any]], written: Mapping[str, Any] | None) -> None:
    """Show in the UI what became of each source of a compliance audit, and the reports that were ``written``."""
    shown = "\n\n".join(_checked(one) for one in results) or "No source is declared with a security policy."
    shown = f"{_signed(written)}\n\n{shown}" if written else shown
    about = f"{len(results)} sources, {sum('refused' in one for one in results)} refused"
    _report([partial(create_markdown_artifact, key="compliance-audit", markdown=shown, description=about)])


def _signed(written: Mapping[str, Any]) -> str:
    """The reports of the audit log, each with a link to it and to its signature on the worker."""
    chain = written["chain"]
    state = "**broken**" if chain["findings"] else "whole"
    said = f"### Audit log\n\nThe chain of {chain['entries']:,} entries is {state}."
    rows = [
        (
            one["framework"],
            f"[{one['report']}]({Path(one['report']).as_uri()})",
            f"[{SUFFIX}]({Path(one['signature']).as_uri()})",
            f"{one['entries']:,}",
            one["key_id"],
        )
        for one in written["reports"]
    ]
    header = ("framework", "report", "signature", "entries", "key")
    return f"{said}\n\n{_markdown(header, rows)}" if rows else said


def _checked(report: Mapping[str, Any]) -> str:
    wanted = {name: value for name, value in report["policy"].items() if value}
    rows = [("policy", ", ".join(f"{name} {value}" for name, value in wanted.items()))]
    rows += [("login", ", ".join(report.get("requirements", {}).get("factors", ())))]
    rows += [(name, value) for name, value in report.get("authentication", {}).items()]
    met = report.get("connection", {})
    names = ("host", "tls", "cipher", "subject", "issuer", "certificate_sha256", "not_after")
    rows += [(name, met[name]) for name in names if name in met]
    rows += [("warning", text) for text in met.get("warnings", ())]
    rows += [("**refused**", report["refused"])] if "refused" in report else []
    return f"### {report['source']}\n\n" + _markdown(("checked", "found"), rows)


def _classes(found: Mapping[str, Any]) -> str:
    if not found:
        return "Nothing came that is new, so nothing was classified."
    rows = [(one["column"], one["class"], one["level"], one["level_by"]) for one in found["columns"]]
    said = f"{found['records']:,} records looked at, ceiling: {found['ceiling'] or 'none'}.\n\n"
    return said + _markdown(("column", "class", "level", "said by"), rows)


def _markdown(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(
        "| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def _report(made: list[Callable[[], object]]) -> None:
    with ThreadPoolExecutor(min(len(made), AT_ONCE)) as pool:
        # Each call needs the run's context, and one context can't be entered twice at a time.
        for future in [pool.submit(copy_context().run, make) for make in made]:
            if (trouble := future.exception()) is not None:
                get_run_logger().warning("The load stands, but a report of it could not be made: %s", trouble)


def _artifacts(warehouse: Warehouse, outcome: Outcome) -> list[Callable[[], object]]:
    shown = f"{sentence(outcome)}\n\n{_table(warehouse, contract_of(outcome.dataset))}"
    made: list[Callable[[], object]] = [
        partial(create_table_artifact, key="result", table=[_result(outcome)], description=shown)
    ]
    if outcome.rejected:
        reasons = [{"reason": name, "records": count} for name, count in outcome.reasons.items()]
        made += [
            partial(
                create_table_artifact,
                key="rejects-by-reason",
                table=reasons,
                description="Records turned away",
            ),
            partial(
                create_table_artifact,
                key="rejects-sample",
                table=sample_rejects(warehouse, outcome.job_id),
                description=f"The first rejects. All of them: `sluice rejects {outcome.job_id}`",
            ),
        ]
    if lines := outside(outcome.lines):
        made.append(
            partial(
                create_table_artifact,
                key="lines-left-out",
                table=lines_left_out(warehouse, outcome.job_id),
                description=f"Lines that hold no record: {lines}",
            )
        )
    if outcome.drift or outcome.missing or outcome.repairs or outcome.warnings:
        made.append(
            partial(
                create_markdown_artifact,
                key="notes",
                markdown=_notes(outcome),
                description="Drift, repairs and warnings",
            )
        )
    return made


def _table(warehouse: Warehouse, contract: Contract) -> str:
    """Where the rows are, as a command to paste: no browser opens the address of a database."""
    query = sql.SQL("SELECT * FROM {} LIMIT 20").format(table_name(contract)).as_string()
    shell = ["psql", warehouse.safe_url] if warehouse.embedded is None else ["sluice", "db", "psql"]
    command = shlex.join([*shell, "-c", query])
    return f"**{contract.schema}.{contract.table}** in {warehouse.safe_url}\n\n```sh\n{command}\n```\n"


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
    if outcome.missing:
        lines.append("**Columns that the input lacks** (left empty): " + ", ".join(outcome.missing))
    if outcome.repairs:
        lines.append("**Records mended**: " + counted(outcome.repairs))
    lines += [f"- warning: {text}" for text in outcome.warnings]
    return "\n\n".join(lines)
