"""Children of the platform: started, watched, ended with all they started."""

import os
import sys
import time
from pathlib import Path

import psutil

from deployments.process import Child
from tests.deployments.conftest import until


def child(tmp_path: Path, code: str, **more: float) -> Child:
    return Child("child", [sys.executable, "-u", "-c", code], os.environ, tmp_path / "child.log", **more)  # type: ignore[arg-type]


def test_the_end_of_the_log_and_the_exit_code_are_known(tmp_path: Path) -> None:
    one = child(tmp_path, "print('first'); print(); print('last'); raise SystemExit(3)")
    assert (one.pid, one.exit_code) == (0, None)
    one.start()
    assert until(lambda: one.exit_code) == 3
    assert one.last_words(1) == "last"


def test_a_child_that_ignores_the_request_is_killed_in_time(tmp_path: Path) -> None:
    one = child(
        tmp_path, "import signal, time; signal.signal(15, signal.SIG_IGN); print('on'); time.sleep(60)"
    )
    one.start()
    until(one.last_words)
    began = time.monotonic()
    one.stop(1)
    assert time.monotonic() - began < 3
    assert one.exit_code == -9


def test_what_a_child_started_is_asked_first_and_gone_afterwards(tmp_path: Path) -> None:
    grandchild = (
        "import signal, sys, time\n"
        "signal.signal(15, lambda *_: (print('asked', flush=True), sys.exit()))\n"
        "print('on', flush=True)\n"
        "time.sleep(60)"
    )
    one = child(
        tmp_path,
        "import signal, subprocess, sys, time\n"
        "signal.signal(15, lambda *_: (print('parent asked', flush=True), sys.exit()))\n"
        f"subprocess.Popen([sys.executable, '-c', {grandchild!r}])\n"
        "time.sleep(60)",
    )
    one.start()
    until(one.last_words)
    family = psutil.Process(one.pid).children(recursive=True)
    one.stop(5)
    assert one.last_words().split("\n") == ["on", "asked", "parent asked"]
    alive = [process for process in family if process.is_running()]
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def test_patience_ends_after_some_deaths_in_a_row(tmp_path: Path) -> None:
    one = child(tmp_path, "", patience=3)
    assert [one.may_restart() for _ in range(3)] == [True, True, False]


def test_deaths_long_ago_are_forgiven(tmp_path: Path) -> None:
    one = child(tmp_path, "", patience=2, window=0.05)
    assert one.may_restart()
    time.sleep(0.1)
    assert one.may_restart()


def test_a_log_that_has_grown_large_is_set_aside(tmp_path: Path) -> None:
    one = child(tmp_path, "print('new')")
    with one.log.open("wb") as log:
        log.truncate(30_000_000)
    one.start()
    until(one.last_words)
    assert one.log.stat().st_size < 100
    one.stop(1)
