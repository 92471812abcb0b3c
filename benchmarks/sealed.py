"""What encryption costs: the same million rows of 12 columns, loaded plainly and with three columns sealed.

python -m benchmarks.sealed [--rows 1000000] [--times 3]
"""

import argparse
import os
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.generate import orders

CONTRACT = Path(__file__).with_name("contracts") / "orders.odcs.yaml"
ABOVE = ("email", "amount", "note")
CEILING = "    customProperties:\n      - {property: sluice.ceiling, value: internal}\n    properties:\n"


def contracts(folder: Path) -> None:
    """The benchmark's contract, plain and with three columns above a ceiling."""
    text = CONTRACT.read_text()
    (folder / "plain.odcs.yaml").write_text(text)
    sealed = text.replace("    properties:\n", CEILING, 1)
    for name in ("- name: orders\n", "physicalName: orders\n", "id: sluice-benchmark-orders\n"):
        sealed = sealed.replace(name, name.replace("orders", "orders_sealed"))
    for name in ABOVE:
        at = sealed.index(f"- name: {name}\n")
        end = sealed.index("physicalType", at)
        if (
            "classification"
            not in sealed[at : sealed.find("- name:", at + 5) if "- name:" in sealed[at + 5 :] else None]
        ):
            sealed = sealed[:end] + "classification: restricted\n        " + sealed[end:]
    (folder / "sealed.odcs.yaml").write_text(sealed)


def main() -> None:
    """Measure both in turn and print the medians."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=3)
    asked = parser.parse_args()
    path = orders(asked.rows)
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as folder:
        Path(folder).chmod(0o755)
        contracts(Path(folder))
        os.environ |= {"SLUICE_HOME": f"{folder}/home", "SLUICE_CONTRACTS": folder}
        from sluice.contracts.registry import Registry
        from sluice.jobs import steps, whole
        from sluice.settings import settings
        from sluice.sources.model import source_of
        from sluice.warehouse.connection import Warehouse

        steps.warm_up().join()
        warehouse = Warehouse.from_settings().prepare()
        names = [name for name in Registry.from_settings(settings()).names() if name.startswith("orders")]
        taken: dict[str, list[dict[str, float]]] = {name: [] for name in names}
        try:
            for _ in range(asked.times):
                for name in names:
                    request = {
                        "dataset": name, "sources": [source_of(str(path)).model_dump()], "mode": "replace",
                        "organization_id": 1, "user_id": 1, "priority": "normal", "force": True, "warehouse": "",
                        "job_id": "",
                    }  # fmt: skip
                    job = steps.open_job(warehouse, request)
                    outcome = whole.ingest(warehouse, job, [source_of(str(path))], lambda _: None)
                    assert outcome.published == asked.rows
                    taken[name].append(outcome.seconds)
        finally:
            if warehouse.embedded:
                warehouse.embedded.stop()
    for name, runs in taken.items():
        phases = {phase: round(median(run[phase] for run in runs), 2) for phase in runs[0]}
        print(name, phases)
    plain, sealed = (median(run["total"] for run in taken[name]) for name in ("orders", "orders_sealed"))
    ratio = f"{sealed:.2f} s with {len(ABOVE)} sealed columns: {sealed / plain:.2f}x"
    print(f"{asked.rows:,} rows: {plain:.2f} s plain, {ratio}")


if __name__ == "__main__":
    main()
