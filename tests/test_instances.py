"""The DuckDB that is kept between audits: clean, cheap and safe to fork; whatever is wrong with it is thrown away."""

import os
import threading
from pathlib import Path

import duckdb
import pytest

from sluice.instances import Instances, instances
from sluice.quality.duck import scratch, stoppable

LARGE = "CREATE TABLE large AS SELECT md5(range::VARCHAR) AS text FROM range(3_000_000)"


@pytest.fixture(autouse=True)
def _none_kept():
    instances().close()


def test_the_next_audit_gets_the_same_one_without_what_the_last_has_left(tmp_path: Path) -> None:
    with instances().lent() as first:
        pass
    with scratch(tmp_path, 100, 1) as connection:
        connection.execute("CREATE TABLE rows AS SELECT 1 AS id; CREATE TEMP TABLE other AS SELECT 2 AS id")
        assert stoppable(connection).cursor().execute("FROM rows").fetchall() == [(1,)]
    with scratch(tmp_path, 200, 2) as connection:
        assert connection.execute("SHOW ALL TABLES").fetchall() == []
        limit, threads = "current_setting('memory_limit')", "current_setting('threads')"
        assert connection.execute(f"SELECT {limit}, {threads}").fetchone() == ("190.7 MiB", 2)
    with instances().lent() as last:
        assert last is first


def test_two_at_a_time_get_one_each(tmp_path: Path) -> None:
    with scratch(tmp_path, 100, 1) as one, scratch(tmp_path, 100, 1) as other:
        one.execute("CREATE TABLE rows AS SELECT 1 AS id")
        assert other.execute("SHOW TABLES").fetchall() == []


def test_threads_get_one_each(tmp_path: Path) -> None:
    lender, meet, found = Instances(), threading.Barrier(4), []

    def use() -> None:
        with lender.lent() as instance:
            meet.wait(30)
            found.append(id(instance))

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(set(found)) == 4
    lender.close()


def test_one_that_has_failed_or_spilled_is_thrown_away(tmp_path: Path) -> None:
    with instances().lent() as first:
        pass
    with pytest.raises(duckdb.BinderException), scratch(tmp_path, 100, 1) as connection:
        connection.execute("SELECT unknown")
    with instances().lent() as second:
        assert second is not first
    with scratch(tmp_path, 60, 2) as connection:
        connection.execute(LARGE)
        assert list((tmp_path / "spill").iterdir())
    assert not (tmp_path / "spill").exists()
    with instances().lent() as third:
        assert third is not second


def test_a_copy_of_the_process_uses_the_one_that_its_parent_kept(tmp_path: Path) -> None:
    with scratch(tmp_path, 100, 2) as connection:
        connection.execute("SELECT sum(range) FROM range(1_000_000)").fetchall()
    pid = os.fork()
    if not pid:
        with scratch(tmp_path, 100, 2) as connection:
            rows = connection.execute("SELECT sum(range) FROM range(1_000_000)").fetchall()
        os._exit(0 if rows == [(499_999_500_000,)] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
