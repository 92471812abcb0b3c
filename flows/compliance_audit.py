"""The compliance audit: every declared source with a security policy checked, without asking for a record; signed
reports of the audit log.
"""

import tempfile
from pathlib import Path
from typing import Any, Literal

from prefect import flow, get_run_logger
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from blocks.resolve import warehouse_of
from sluice.audit.findings import LogBroken
from sluice.errors import PolicyRefused, SluiceError
from sluice.jobs.policies import About
from sluice.sources.api.declared import of_policies
from sluice.sources.model import ApiSource
from tasks import audit, reports, secure


class ComplianceAudit(BaseModel):
    """Which sources to check, and what to report of the audit log."""

    model_config = ConfigDict(extra="forbid")

    dataset: str = Field(default="", description="Only the sources of this dataset; empty: of all of them.")
    organization_id: int = Field(default=1, ge=1, description="The tenant whose audit log tells of it.")
    frameworks: list[Literal["sox", "gdpr", "pci-dss"]] = Field(
        default=["sox", "gdpr", "pci-dss"],
        description="What to write a signed report of that audit log for; none: no report.",
    )
    since: AwareDatetime | None = Field(
        default=None, description="The reports' first time; empty: the beginning."
    )
    before: AwareDatetime | None = Field(default=None, description="What the reports end before; empty: now.")
    warehouse: str = Field(
        default="", description="Name of a PostgreSQL Warehouse block; empty: the project's own warehouse."
    )


@flow(name="compliance-audit", persist_result=False, log_prints=False)
def compliance_audit(request: ComplianceAudit) -> dict[str, Any]:
    """Check the policy, the login and the connection of each source, then write what `sluice audit export` writes.

    Returns what was found of each of the ``sources``, the signed ``reports``, and what verifying the audit log found as
    ``chain``. Raises at the end, when all of it is done: LogBroken; PolicyRefused if a source was refused.
    """
    warehouse_of(request.warehouse).prepare()
    sources = of_policies(request.dataset)
    with tempfile.TemporaryDirectory(prefix="sluice-audit-") as folder:
        abouts = [
            About(request.organization_id, dataset, Path(folder, str(number)))
            for number, (dataset, _) in enumerate(sources)
        ]
        results = [
            _checked(about, request.warehouse, source)
            for about, (_, source) in zip(abouts, sources, strict=True)
        ]
    written = None
    try:
        written = audit.write_reports(
            request.warehouse, request.organization_id, request.frameworks, request.since, request.before
        )
    finally:
        reports.publish_audit(results, written)
    refused = [one["source"] for one in results if "refused" in one]
    get_run_logger().info("%d sources checked, %d refused.", len(results), len(refused))
    if broken := written["chain"]["findings"]:
        raise LogBroken(
            f"The audit log of organization {request.organization_id} is broken; the reports say so too.",
            hint="`sluice audit verify` shows all that was found.",
            findings=[one["what"] for one in broken],
        )
    if refused:
        raise PolicyRefused(
            f"{len(refused)} of {len(results)} sources do not keep to their policy: {', '.join(refused)}.",
            hint="The artifact compliance-audit says why, and so does the audit log (policy.refused).",
        )
    return {"sources": results, **written}


def _checked(about: About, warehouse: str, source: ApiSource) -> dict[str, Any]:
    report: dict[str, Any] = {"source": source.label, "policy": source.model_dump(mode="json")["security"]}
    try:
        secure.validate_requirements(about, warehouse, source)
        secure.verify_authentication(about, warehouse, source)
        return secure.establish_connection(about, warehouse, source)
    except SluiceError as error:
        return report | {"refused": str(error)}
    except ValueError:  # Prefect's and pydantic's; its text may hold what the block has
        return report | {"refused": f"Its API Source block '{source.block}' is missing or wrong."}
