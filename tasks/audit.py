"""The task that writes signed reports of the audit log."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from prefect import task

from blocks.resolve import warehouse_of
from sluice.audit.export import export
from sluice.audit.frameworks import framework
from sluice.audit.report import Wanted, signature_of
from sluice.security.anchor_key import AnchorKeys
from sluice.settings import settings
from sluice.sources.files import disk_errors
from tasks.policy import in_time, step


@task(name="write signed reports", **step(minutes=120, retries=2))
@in_time
def write_reports(
    warehouse: str,
    organization_id: int,
    frameworks: Sequence[str],
    since: datetime | None = None,
    before: datetime | None = None,
) -> dict[str, Any]:
    """Verify the organization's audit log and write a signed report for each framework, of the entries from ``since``
    on and before ``before``. Returns what was found of the log as ``chain``, and the ``reports``, JSON-ready.
    """
    given, at = settings(), datetime.now(UTC)
    folder = given.audit_reports_dir
    wanted = {
        folder / f"audit-{name}-organization-{organization_id}-{at:%Y%m%d-%H%M%S-%f}.json": Wanted(
            framework(name), organization_id, since, before
        )
        for name in frameworks
    }
    with disk_errors(folder / "report"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        verified, counts = export(warehouse_of(warehouse).prepare(), given, organization_id, wanted)
    key_id = AnchorKeys.from_settings(given).key_id
    reports = [
        {
            "framework": one.framework.name,
            "report": str(path),
            "signature": str(signature_of(path)),
            "entries": count,
            "key_id": key_id,
        }
        for (path, one), count in zip(wanted.items(), counts, strict=True)
    ]
    return {"chain": verified.as_dict(), "reports": reports}
