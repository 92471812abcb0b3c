"""The embedded server: first start, crashes, rivals, and clear words where it can't start."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from sluice.errors import SetupError
from sluice.warehouse import cluster
from sluice.warehouse.embedded import Embedded
from tests.conftest import FAST, temporary_home

ENSURE = "import sys; from pathlib import Path; from sluice.warehouse.embedded import Embedded; "


def processes_that_ensure(home: Path, count: int) -> list[subprocess.CompletedProcess[str]]:
    code = ENSURE + "e = Embedded(Path(sys.argv[1])); e.ensure(); print(e.status().pid)"
    started = [
        subprocess.Popen([sys.executable, "-c", code, str(home)], stdout=-1, stderr=-1, text=True)
        for _ in range(count)
    ]
    ended = [(process, *process.communicate(timeout=60)) for process in started]
    return [subprocess.CompletedProcess(p.args, p.returncode, out, err) for p, out, err in ended]


def kill_postmaster(server: Embedded) -> int:
    pid = server.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    while server.status().pid is not None:
        time.sleep(0.01)
    return pid


def one(server: Embedded, query: str) -> object:
    with psycopg.connect(server.url()) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def test_several_processes_start_one_server():
    with temporary_home() as home:
        ended = processes_that_ensure(home, 3)
        assert [process.stderr for process in ended] == [""] * 3
        assert len({process.stdout for process in ended}) == 1


def test_the_server_outlives_the_process_that_started_it_and_stops_on_request():
    with temporary_home() as home:
        processes_that_ensure(home, 1)
        server = Embedded(home)
        assert server.status().running
        assert one(server, "SELECT 1") == 1
        assert server.stop()
        assert not server.status().running
        assert not server.stop()


def test_a_second_start_is_quick(server):
    began = time.perf_counter()
    server.ensure()
    assert time.perf_counter() - began < 0.5


def test_it_has_what_sluice_and_prefect_need(server):
    server.ensure_database("prefect")
    server.ensure_database("prefect")
    with psycopg.connect(server.url("prefect"), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    assert one(server, "SHOW wal_level") == "minimal"
    assert one(server, "SHOW server_encoding") == "UTF8"
    assert one(server, "SHOW listen_addresses") == ""
    assert one(server, "SELECT upper('é') = 'É'")


def test_committed_rows_survive_a_killed_server(server):
    with psycopg.connect(server.url()) as connection:
        connection.execute("CREATE TABLE survivor AS SELECT 7 AS n")
    killed = kill_postmaster(server)
    server.ensure()
    assert server.status().pid != killed
    assert one(server, "SELECT n FROM survivor") == 7


def test_a_killed_server_is_not_taken_for_a_running_one(server):
    kill_postmaster(server)
    assert not server.status().running
    assert server.status().pid is None
    server.ensure()


def test_the_notes_of_a_dead_server_do_not_stop_the_next_one(server):
    server.stop()
    notes = f"{os.getpid()}\n{server.data}\n0\n5432\n{server.data}\n\n0 0\nready\n"
    (server.data / "postmaster.pid").write_text(notes)
    (server.data / ".s.PGSQL.5432.lock").write_text(notes)
    server.ensure()
    assert one(server, "SELECT 1") == 1


def test_a_wrong_setting_is_named_from_the_log(server):
    server.stop()
    broken = Embedded(server.home, {**FAST, "shared_buffers": "much"})
    with pytest.raises(SetupError, match=r"shared_buffers|configuration file") as caught:
        broken.ensure()
    assert caught.value.facts["log"]
    assert str(server.data) in caught.value.hint
    server.ensure()


def test_a_data_folder_of_another_major_version_is_refused(server):
    server.stop()
    version = server.data / "PG_VERSION"
    kept = version.read_text()
    version.write_text("12\n")
    try:
        with pytest.raises(SetupError, match="made by PostgreSQL 12"):
            server.ensure()
    finally:
        version.write_text(kept)
    server.ensure()


def test_a_folder_with_other_things_in_it_is_refused_and_left_alone():
    with temporary_home() as home:
        (home / "postgres").mkdir()
        (home / "postgres" / "letter.txt").write_text("mine")
        with pytest.raises(SetupError, match="not empty"):
            Embedded(home).ensure()
        assert (home / "postgres" / "letter.txt").read_text() == "mine"


def test_half_a_cluster_is_made_anew():
    with temporary_home() as home:
        (home / "postgres.partial" / "base").mkdir(parents=True)
        server = Embedded(home, FAST)
        server.ensure()
        assert one(server, "SELECT 1") == 1


def test_a_home_that_is_a_file_is_a_set_up_error():
    with temporary_home() as home:
        (home / "file").write_text("")
        with pytest.raises(SetupError, match="SLUICE_HOME"):
            Embedded(home / "file" / "below").ensure()


def test_a_long_and_odd_path_works():
    with temporary_home() as home:
        long = home / ("a folder, with 'odd' \"letters\" & ü " + "x" * 80)
        server = Embedded(long, FAST)
        try:
            server.ensure()
            assert one(server, "SELECT 1") == 1
        finally:
            server.stop()


def test_stopping_what_was_never_made_makes_nothing(tmp_path):
    assert not Embedded(tmp_path / "none").stop()
    assert not Embedded(tmp_path / "none").status().running
    assert not (tmp_path / "none").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")
def test_root_runs_it_where_the_server_user_may_go_without_opening_folders():
    with temporary_home() as home:
        closed = home / "closed"
        closed.mkdir(mode=0o700)
        server = Embedded(closed / "state", FAST)
        try:
            server.ensure()
            assert one(server, "SELECT 1") == 1
            assert (closed / "state" / "postgres").is_symlink()
            assert closed.stat().st_mode & 0o777 == 0o700
            assert cluster.postmaster(server.data)
        finally:
            server.stop()
            if server.data.is_relative_to("/var/lib/sluice"):
                subprocess.run(["rm", "-r", str(server.data.parent)], check=True)
