# ruff: noqa: T201
"""``python -m tests.fuzz --seconds 1800``: the long run. Says what it found; exit code 1 if anything."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from .hunt import Worker, hunt


def main() -> int:
    """Hunt, or read saved findings again."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "sluice-fuzz")
    parser.add_argument("--again", type=Path, nargs="*", help="files to read once, instead of a hunt")
    parser.add_argument("--more", type=Path, help="a folder whose files, in folders too, are seeds as well")
    asked = parser.parse_args()
    if asked.again:
        return again(asked.again)
    files = [one for one in asked.more.rglob("*") if one.is_file()] if asked.more else []
    more = {one.name: one.read_bytes() for one in sorted(files) if one.suffix not in (".py", ".pyc")}
    result = hunt(asked.seconds, asked.seed, asked.keep, lambda text: print(text, flush=True), more)
    print(f"seed {asked.seed}: {result.executions} files in {asked.seconds:.0f} s")
    print(f"outcomes: {dict(result.outcomes.most_common())}")
    print(f"slowest {result.slowest} s, most resident memory {result.highest} MB")
    for kind, names in sorted(result.findings.items()):
        print(f"{len(names):6} {kind}: {', '.join(names[:5])}")
    for kind, count in result.passing.items():
        print(f"{count:6} did not come again: {kind}")
    return 1 if result.findings else 0


def again(paths: list[Path]) -> int:
    """Read each file in a worker of its own."""
    found = False
    for path in paths:
        with Worker() as worker:
            answer = worker.read(path, {})
        found = found or "finding" in answer
        print(path, answer)
    return int(found)


if __name__ == "__main__":
    sys.exit(main())
