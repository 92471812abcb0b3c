"""The command line as a user has it: the installed ``sluice`` in a folder of its own, with nothing set up before."""

import csv
import json
import os
import pty
import re
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import temporary_home

# Prefect reads its settings when it is imported.
QUIET = {"PREFECT_LOGGING_LEVEL": "CRITICAL", "DO_NOT_TRACK": "1"}
SLUICE = Path(sys.executable).with_name("sluice")
ITEMS = Path(__file__).with_name("items.odcs.yaml").read_text()
FIRST = """SKU;Title;Quantity;shop
a;Early;1;north
b;Bolt;2;north
c;;3;north
d;Drum;500;south
e;Eel;many;south
a;Late;7;south
"""


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Shell:
    """A user's shell: a working folder, and the settings of Sluice."""

    folder: Path
    env: dict[str, str]

    def start(self, *words: str, **more: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [SLUICE, *words],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **more,
        )

    def run(self, *words: str) -> Answer:
        """The command in a fork of a process that has its imports done: most of a command's time."""
        return zygote().run(self, words)

    def run_installed(self, *words: str) -> Answer:
        """The command as it is installed, imports and all."""
        process = self.start(*words)
        out, err = process.communicate(timeout=120)
        return Answer(process.returncode, out, err)

    def seen(self, *words: str) -> str:
        """What a narrow terminal shows of the command's standard error."""
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (24, 60))
        with os.fdopen(ours, "rb", buffering=0) as screen:
            told = subprocess.Popen(
                [SLUICE, *words],
                cwd=self.folder,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=theirs,
            )
            os.close(theirs)
            shown = b""
            with suppress(OSError):  # the terminal's end
                while part := screen.read(4096):
                    shown += part
            assert told.wait(60) == 0
        return re.sub(r"\x1b\[[0-9;]*m", "", shown.decode())

    def contract(self, text: str) -> None:
        (self.folder / "contracts" / "items.odcs.yaml").write_text(text)


class Zygote:
    """See ``tests/cli/zygote.py``; it ends with this process, when its standard input is closed."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="sluice-zygote-")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.cli.zygote"],
            env=own_environment(Path(self._folder.name), PREFECT_HOME=self._folder.name, **QUIET),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, shell: Shell, words: tuple[str, ...]) -> Answer:
        out, err = (Path(self._folder.name) / name for name in ("out", "err"))
        order = {
            "words": words,
            "folder": str(shell.folder),
            "env": shell.env,
            "out": str(out),
            "err": str(err),
        }
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{json.dumps(order)}\n")
        self._process.stdin.flush()
        return Answer(int(self._process.stdout.readline()), out.read_text(), err.read_text())


@cache
def zygote() -> Zygote:
    return Zygote()


def own_environment(home: Path, **more: str) -> dict[str, str]:
    """The environment without what other tests or the developer set, but for ``SLUICE_HOME`` and ``more``."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SLUICE_", "PREFECT_"))}
    path = f"{SLUICE.parent}{os.pathsep}{os.environ['PATH']}"
    return {**kept, "PATH": path, "SLUICE_HOME": str(home), **more}


@pytest.fixture(scope="package")
def shell() -> Iterator[Shell]:
    """An empty home: the first load starts PostgreSQL and the Prefect server that all commands share."""
    with temporary_home() as folder:
        (folder / "contracts").mkdir()
        opened = Shell(folder, own_environment(folder / "home", SLUICE_CONTRACTS="contracts"))
        (folder / "home").mkdir(mode=0o755)
        opened.contract(ITEMS)
        (folder / "first.csv").write_text(FIRST)
        try:
            yield opened
        finally:
            opened.run("db", "stop")


@pytest.fixture(scope="package")
def first(shell: Shell) -> Answer:
    """Six records by upsert: two published, one superseded, three rejected for three reasons."""
    answer = shell.run_installed("load", "first.csv", "-d", "items", "--mode", "upsert", "--json")
    assert answer.code == 0, answer
    return answer


@pytest.fixture(scope="package")
def second(shell: Shell, first: Answer) -> Answer:
    """Two of the first load's rejects, exported and corrected, after a row that stands already."""
    assert shell.run("rejects", first.json["job_id"], "--out", "rejects.csv").code == 0
    with (shell.folder / "rejects.csv").open(newline="") as file:
        missing, _, wrong = csv.DictReader(file)
    with (shell.folder / "second.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(missing))
        writer.writeheader()
        writer.writerow({"sku": "b", "title": "Bolt", "quantity": "2", "shop": "north"})
        writer.writerows([missing | {"title": "Cog"}, wrong | {"quantity": "5"}])
    return shell.run("load", "second.csv", "-d", "items", "--mode", "upsert")
