"""``sluice demo``: the samples through the standard ingestion, and what to do next."""

from pathlib import Path

from sluice.cli import output
from sluice.cli.jobs import SHORT
from sluice.cli.load import summary, tenant
from sluice.cli.options import AsJson
from sluice.cli.runner import run_all
from sluice.errors import SetupError
from sluice.settings import program
from sluice.sources.model import source_of

SAMPLES = Path(__file__).resolve().parents[2] / "sample-data"
LOADS = (("projects", "projects-180.csv"), ("bugs", "bugs-5000.csv"), ("bugs", "bugs-dirty.csv"))


def demo(as_json: AsJson = False) -> None:
    """Load the sample files, show the result in one table, and say what to do next."""
    missing = [name for _, name in LOADS if not (SAMPLES / name).is_file()]
    if missing:
        raise SetupError(f"{SAMPLES / missing[0]} is missing.", hint="Run this in a clone of the project.")
    requests = [
        {
            "dataset": dataset,
            "sources": [source_of(str(SAMPLES / name)).model_dump()],
            "mode": "upsert",
            "force": True,
            **tenant(),
        }
        for dataset, name in LOADS
    ]
    outcomes = run_all(requests)
    if as_json:
        output.as_json(outcomes)
        return
    summary(outcomes)
    dirty = outcomes[-1]["job_id"][:SHORT]
    output.say("")
    output.say("Next:")
    sluice = program()
    output.say(f"  {sluice} rejects {dirty}   # what was turned away, and why")
    output.say(f"  {sluice} db psql -c 'select severity, count(*) from data.bugs group by 1'")  # noqa: S608
    output.say(f"  {sluice} load YOUR.csv --dataset bugs   # your own file")
    output.say("  make up   # the Prefect UI, schedules and a worker")
