"""One answer of ``sluice read`` for all awkward files."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.awkward.expectations import FOLDER, clean

SLUICE = Path(sys.executable).with_name("sluice")


@dataclass(frozen=True)
class Answers:
    """What the command said of each file, by name, and where it wrote the tables."""

    code: int
    told: dict[str, dict[str, Any]]
    folder: Path

    def written(self, name: str) -> list[list[str]]:
        path = self.folder / f"{name}.csv"
        return clean(path.read_bytes().decode("utf-8")) if path.exists() else []


def sluice_read(*words: str | Path) -> subprocess.CompletedProcess[bytes]:
    """The command as it is installed."""
    return subprocess.run([SLUICE, "read", *words], capture_output=True, check=False, timeout=280)


@pytest.fixture(scope="session")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """All awkward files in one call; the expectations beside them are no tables to read here."""
    folder = tmp_path_factory.mktemp("read")
    paths = sorted(
        p for p in FOLDER.glob("*/*") if p.is_file() and not p.name.endswith((".expected.json", ".py"))
    )
    done = sluice_read(*paths, "--out-dir", folder, "--json")
    assert done.stderr == b"", done.stderr
    told = json.loads(done.stdout)
    return Answers(done.returncode, {Path(one["file"]).name: one for one in told}, folder)
