"""Anchoring: what has grown is signed once, by whoever is there, and kept in two places."""

import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.anchorer import Anchorer
from sluice.audit import anchors, files, log
from sluice.audit.anchoring import anchor
from sluice.audit.findings import LogBroken
from sluice.audit.verify import verify_all
from sluice.errors import SetupError
from sluice.security.anchor_key import AnchorKeys
from tests.audit.conftest import LENGTH


def of_file(connection, given, organization_id=1):
    return files.file_of(given.audit_dir, anchors.log_of(connection), organization_id)


def lines(connection, given):
    place = of_file(connection, given)
    return list(place.read(place.size()))


def count(connection):
    return connection.execute(
        "SELECT count(*) FROM sluice.audit_anchors WHERE organization_id = 1"
    ).fetchone()[0]


def test_nothing_new_is_not_anchored_again(entries, given):
    anchor(entries, given)
    assert count(entries) == 3
    anchor(entries, given)
    assert count(entries) == 3


def test_anchors_are_the_same_in_the_warehouse_and_the_file(entries, given):
    with entries.transaction():
        kept = list(anchors.kept(entries, 1))
    assert kept == lines(entries, given)
    assert len(kept) == 2


def test_key_and_file_are_for_their_owner_only(entries, given):
    for path in (given.root / "keys" / "audit", of_file(entries, given).path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_a_crash_kept_from_the_file_comes_into_it_with_the_next(entries, given):
    place = of_file(entries, given)
    first, _ = place.path.read_bytes().splitlines(keepends=True)
    place.path.write_bytes(first + b'{"organization": 1, "se')
    anchor(entries, given, 1)
    with entries.transaction():
        assert list(anchors.kept(entries, 1)) == lines(entries, given)
    assert count(entries) == 3


def test_a_file_with_a_foreign_line_is_told(warehouse, entries, given):
    place = of_file(entries, given)
    place.path.write_text(f"hello\n{place.path.read_text()}")
    with pytest.raises(SetupError, match="line 1 is no anchor"):
        verify_all(warehouse, given)


def test_verifying_all_counts_the_entries_and_anchors_them(warehouse, entries, given):
    assert verify_all(warehouse, given) == 2 * LENGTH
    assert count(entries) == 3


def test_a_broken_log_is_not_verified(warehouse, entries, given):
    entries.execute("ALTER TABLE sluice.audit_log DISABLE TRIGGER ALL")
    entries.execute("UPDATE sluice.audit_log SET event = 'x' WHERE organization_id = 2 AND seq = 4")
    with pytest.raises(LogBroken, match="organization 2, entry 4"):
        verify_all(warehouse, given)


def test_several_that_anchor_at_once_leave_one_line_each_in_order(warehouse, entries, given):
    begin = threading.Barrier(6)

    def work(number):
        with warehouse.connect(autocommit=True) as mine:
            begin.wait(30)
            for _ in range(15):
                if number % 2:
                    log.write(mine, "e", organization_id=1)
                assert anchor(mine, given) == []

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    anchor(entries, given)
    seqs = [one.seq for one in lines(entries, given)]
    assert seqs == sorted(set(seqs))
    assert len(seqs) == count(entries)
    assert verify_all(warehouse, given) == 2 * LENGTH + 45


def test_the_platform_anchors_what_is_new(warehouse, entries, given, caplog):
    worker = Anchorer(warehouse, given)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        until = threading.Event()
        while count(entries) < 3:
            assert thread.is_alive()
            until.wait(0.05)
    finally:
        worker.stop()
        thread.join(20)
    assert not caplog.records


def test_a_log_that_broke_is_told_once(warehouse, entries, given, caplog):
    entries.execute("ALTER TABLE sluice.audit_log DISABLE TRIGGER ALL")
    entries.execute("DELETE FROM sluice.audit_log WHERE organization_id = 1 AND seq = 6")
    worker = Anchorer(warehouse, given)
    for _ in range(3):
        worker.anchor(entries)
    assert [record.message for record in caplog.records if "broken" in record.message] == [
        caplog.records[0].message
    ]
    assert "organization 1, entry 6" in caplog.records[0].message


@pytest.mark.parametrize("text", ["x", "é", "AAAA", "A" * 44])
def test_a_key_that_is_none_is_told_without_it(given, text):
    path = given.root / "keys" / "audit"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(SetupError, match="needs 32 bytes in Base64") as caught:
        AnchorKeys.from_settings(given)
    assert os.fspath(path) in caught.value.message
