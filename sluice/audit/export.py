"""From the audit log to signed reports: verified once, a report a framework, anchored where it is whole."""

from collections.abc import Mapping
from pathlib import Path

from sluice.audit import report
from sluice.audit.anchoring import anchor, warn
from sluice.audit.report import Wanted
from sluice.audit.verify import Verified, verify
from sluice.security.anchor_key import AnchorKeys
from sluice.settings import Settings
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.failures import translated


def export(
    warehouse: Warehouse, given: Settings, organization_id: int, reports: Mapping[Path, Wanted]
) -> tuple[Verified, list[int]]:
    """Write each report of the organization to its file, and its signature beside it.

    Returns what verifying the log found, and how many entries each report lists. A broken log is reported too, but
    not anchored. Raises SluiceError, OSError.
    """
    keys = AnchorKeys.from_settings(given)
    (verified,) = verify(warehouse, given, organization_id)
    counts = [report.write(warehouse, keys, wanted, verified, path) for path, wanted in reports.items()]
    if not verified.findings:
        with translated(), warehouse.connect() as connection:
            warn(anchor(connection, given, organization_id))
    return verified, counts
