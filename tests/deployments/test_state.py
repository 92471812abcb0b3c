"""The lock and the state file of the platform."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from deployments.state import AlreadyRunning, PlatformState, Process, end_leftovers, sole_platform
from sluice.errors import SetupError


def state_of(*processes: Process) -> PlatformState:
    return PlatformState(
        api_url="http://x/api", ui_url="http://x", started=datetime.now(UTC), processes=list(processes)
    )


def sleeper(code: str = "import time; time.sleep(60)") -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)


def test_only_one_platform_can_hold_a_home(tmp_path: Path) -> None:
    with sole_platform(tmp_path), pytest.raises(AlreadyRunning), sole_platform(tmp_path):
        pass
    with sole_platform(tmp_path):
        pass


def test_a_home_that_cannot_be_made_is_a_set_up_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SetupError, match="SLUICE_HOME"), sole_platform(tmp_path / "file" / "home"):
        pass


def test_a_new_home_and_what_users_load_into_it_are_closed_to_others(tmp_path: Path) -> None:
    with sole_platform(tmp_path / "home"):
        # PostgreSQL's OS user passes through, where it is another one.
        assert (tmp_path / "home").stat().st_mode & 0o777 == (0o711 if os.geteuid() == 0 else 0o700)
        for name in ("stage", "logs", "prefect"):
            assert (tmp_path / "home" / name).stat().st_mode & 0o777 == 0o700


def test_a_home_that_stands_keeps_its_mode_and_its_stage_is_closed(tmp_path: Path) -> None:
    (tmp_path / "stage").mkdir()
    (tmp_path / "stage").chmod(0o755)
    tmp_path.chmod(0o755)
    with sole_platform(tmp_path):
        assert tmp_path.stat().st_mode & 0o777 == 0o755
        assert (tmp_path / "stage").stat().st_mode & 0o777 == 0o700


def test_a_refused_start_leaves_the_notes_on_a_killed_platform(tmp_path: Path) -> None:
    left = state_of(Process.of("platform", os.getpid()).model_copy(update={"born": 1.0}))
    left.write(tmp_path)
    with sole_platform(tmp_path):
        pass
    assert PlatformState.read(tmp_path) == left


def test_the_state_is_forgotten_when_the_platform_ends(tmp_path: Path) -> None:
    with sole_platform(tmp_path):
        state_of(Process.of("platform", os.getpid())).write(tmp_path)
        assert PlatformState.running(tmp_path)
    assert PlatformState.read(tmp_path) is None


def test_a_process_id_that_now_belongs_to_somebody_else_is_not_found() -> None:
    mine = Process.of("platform", os.getpid())
    assert mine.find()
    assert mine.model_copy(update={"born": mine.born - 100}).find() is None


def test_the_state_of_a_killed_platform_counts_as_not_running(tmp_path: Path) -> None:
    gone = sleeper()
    process = Process.of("platform", gone.pid)
    gone.kill()
    gone.wait(10)
    state_of(process).write(tmp_path)
    assert PlatformState.running(tmp_path) is None


def test_a_broken_state_file_is_no_state(tmp_path: Path) -> None:
    (tmp_path / "platform.json").write_text("{")
    assert PlatformState.read(tmp_path) is None


def test_leftovers_are_ended_with_what_they_started_and_strangers_are_not(tmp_path: Path) -> None:
    parent = sleeper(
        "import subprocess, sys, time\n"
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid, flush=True)\n"
        "time.sleep(60)"
    )
    stranger = sleeper()
    assert parent.stdout
    grandchild = psutil.Process(int(parent.stdout.readline()))
    reused = Process.of("worker", stranger.pid)
    state_of(Process.of("server", parent.pid), reused.model_copy(update={"born": 1.0})).write(tmp_path)
    try:
        assert end_leftovers(tmp_path) == ["server"]
        assert parent.poll() is not None
        assert not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait(10)


def test_nothing_is_ended_where_no_platform_was(tmp_path: Path) -> None:
    assert end_leftovers(tmp_path) == []
