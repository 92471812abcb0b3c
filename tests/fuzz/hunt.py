"""The loop: mutate, read in a worker, watch; what is found is read again by a new worker and then kept."""

import json
import os
import re
import select
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Self

from .mutate import mutate
from .seeds import Family, all_seeds, family_of

SECONDS = 10.0  # for one file
MEMORY_MB = 1500  # of address space beyond what imports and a first small file took
_WEIGHTS = {"text": 45, "json": 18, "wrapped": 12, "workbook": 14, "columnar": 11}
_OPTIONS = [
    *(
        {"header": "false"},
        {"header": "true"},
        {"encoding": "utf-16"},
        {"encoding": "utf-8"},
        {"encoding": "cp1252"},
    ),
    *(
        {"delimiter": ";"},
        {"delimiter": "||"},
        {"delimiter": "tab"},
        {"quote": ""},
        {"quote": "'"},
        {"escape": "\\"},
    ),
    *({"format": "csv"}, {"format": "json"}, {"format": "excel"}, {"sheet": "2"}, {"path": "data.items"}),
    {"member": "data.csv"},
]


class Worker:
    """A process that reads files; gone when it died or was too slow."""

    def __init__(self, memory_mb: int = MEMORY_MB) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.worker", str(memory_mb)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            cwd=Path(__file__).parents[2],
            # Address space is bounded, so the allocators must give back what is freed: an arena of the C library
            # takes 64 MB, DuckDB's allocator keeps 256 MB at a time, and how many there are of both is chance.
            env={
                **os.environ,
                "MALLOC_ARENA_MAX": "2",
                "DUCKDB_JE_MALLOC_CONF": "retain:false,dirty_decay_ms:0",
            },
        )
        self.base = self._answer(120).get("base", 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Stop the process."""
        self._process.kill()
        self._process.communicate()
        self._log.close()

    def read(self, path: Path, options: dict[str, str], seconds: float = SECONDS) -> dict[str, Any]:
        """What the worker tells of the file, or how it failed to."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"path": str(path), "options": options}) + "\n")
        self._process.stdin.flush()
        return self._answer(seconds)

    def _answer(self, seconds: float) -> dict[str, Any]:
        out = self._process.stdout
        assert out
        ready, _, _ = select.select([out], [], [], seconds)
        if not ready:
            return {"outcome": "hang", "finding": f"no answer in {seconds:.0f} s", "dead": True}
        if line := out.readline():
            answer: dict[str, Any] = json.loads(line)
            return answer
        code = self._process.wait()
        self._log.seek(0)
        said = self._log.read().decode(errors="replace")[-3000:]
        return {
            "outcome": "death",
            "finding": f"the process ended with {code}",
            "message": said,
            "dead": True,
        }


@dataclass
class Result:
    """What a hunt did: findings by their kind, each with the files that show it."""

    executions: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    findings: dict[str, list[str]] = field(default_factory=dict)
    passing: Counter[str] = field(default_factory=Counter)
    slowest: float = 0
    highest: int = 0

    def note(self, answer: dict[str, Any]) -> None:
        """Count an answer."""
        self.executions += 1
        self.outcomes[answer["outcome"]] += 1
        self.slowest = max(self.slowest, answer.get("seconds", 0))
        self.highest = max(self.highest, answer.get("peak", 0))


def case(seeds: dict[str, Family], seed: int, number: int) -> tuple[bytes, dict[str, str], str]:
    """The file of that number, always the same: its bytes, options and family."""
    rng = Random(f"{seed}:{number}")
    family = rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
    name = rng.choice(list(seeds[family]))
    others = seeds[family] if rng.random() < 0.9 else seeds[rng.choice(list(seeds))]
    options = rng.choice(_OPTIONS) if rng.random() < 0.06 else {}
    return mutate(rng, seeds[family][name], others), options, family


def hunt(
    seconds: float,
    seed: int,
    keep: Path,
    tell: Callable[[str], None] = lambda text: None,
    extra: Family | None = None,
) -> Result:
    """Read mutated files for that long; findings are saved in ``keep``, at most five of a kind."""
    seeds, result, end = all_seeds(), Result(), time.monotonic() + seconds
    for name, content in (extra or {}).items():
        seeds[family_of(content)][name] = content
    keep.mkdir(parents=True, exist_ok=True)
    worker, number = Worker(), 0
    with tempfile.TemporaryDirectory(prefix="hunt-") as folder:
        path = Path(folder) / "input"
        while time.monotonic() < end:
            number += 1
            content, options, family = case(seeds, seed, number)
            path.write_bytes(content)
            answer = worker.read(path, options)
            result.note(answer)
            if "finding" in answer or number % 2000 == 0:
                worker.end()
                worker = Worker()
            if kind := answer.get("finding"):
                _judge(result, kind, worker, path, options, keep, f"{family}-{seed}-{number}", tell)
                if answer.get("dead"):
                    worker.end()
                    worker = Worker()
        worker.end()
    return result


def _judge(
    result: Result,
    kind: str,
    worker: Worker,
    path: Path,
    options: dict[str, str],
    keep: Path,
    name: str,
    tell: Callable[[str], None],
) -> None:
    """Read it again; only what comes again is kept."""
    again = worker.read(path, options, 6 * SECONDS)  # on a busy machine the processor's time counts
    if again.get("cpu", 0) > SECONDS:
        again["finding"] = f"takes more than {SECONDS:.0f} s"
    found = again.get("finding")
    if not found:
        result.passing[kind] += 1
        return
    names = result.findings.setdefault(found, [])
    names.append(name)
    if len(names) <= 5:
        kept = keep / name
        kept.write_bytes(path.read_bytes())
        kept.with_name(name + ".json").write_text(json.dumps({"options": options, **again}, indent=1))
        tell(f"{found}: {kept}\n    {re.sub(chr(10), ' ', again.get('message', ''))[:300]}")
