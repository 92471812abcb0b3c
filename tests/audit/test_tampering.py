"""Whatever a superuser does to the audit log is found; what is untouched verifies."""

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from sluice.audit import files
from sluice.audit.anchoring import anchor
from sluice.audit.anchors import log_of
from sluice.audit.verify import verify
from sluice.warehouse.connection import Warehouse
from tests.audit.conftest import ANCHORED, LENGTH
from tests.conftest import new_database

OTHER = {
    "organization_id": 3,
    "user_id": 8,
    "at": "2001-02-03 04:05:06+00",
    "event": "job.created",
    "job_id": "job_x",
    "load_id": 5,
    "dataset": "bugs",
    "details": Jsonb({"progress": 100}),
    "seq": 50,
    "previous": b"\1" * 32,
    "hash": b"\2" * 32,
    "id": 9_000,
}
# What a superuser who knows the chain would do: give each entry from one on the hash that it should have.
MADE_ANEW = """
DO $$
DECLARE
    entry sluice.audit_log;
    number BIGINT := 0;
    before BYTEA := decode(repeat('00', 32), 'hex');
BEGIN
    FOR entry IN SELECT * FROM sluice.audit_log WHERE organization_id = 1 ORDER BY seq LOOP
        number := number + 1;
        entry.hash := sluice.entry_hash(entry, number, before);
        UPDATE sluice.audit_log SET seq = number, previous = before, hash = entry.hash WHERE id = entry.id;
        before := entry.hash;
    END LOOP;
    UPDATE sluice.audit_heads SET seq = number, hash = before WHERE organization_id = 1;
END $$
"""


@pytest.fixture
def bare(entries):
    """The log without what protects it."""
    for table in ("audit_log", "audit_anchors"):
        entries.execute(sql.SQL("ALTER TABLE sluice.{} DISABLE TRIGGER ALL").format(sql.Identifier(table)))
    entries.execute("ALTER TABLE sluice.audit_log ALTER id DROP IDENTITY")
    return entries


def change(connection, column, value, seq, organization_id=1):
    query = sql.SQL("UPDATE sluice.audit_log SET {} = %s WHERE organization_id = %s AND seq = %s")
    done = connection.execute(query.format(sql.Identifier(column)), [value, organization_id, seq])
    assert done.rowcount == 1


def remove(connection, seqs):
    gone = connection.execute(
        "DELETE FROM sluice.audit_log WHERE organization_id = 1 AND seq = ANY(%s)", [list(seqs)]
    )
    assert gone.rowcount == len(seqs)


def cut_the_end(connection, keep):
    remove(connection, range(keep + 1, LENGTH + 1))
    connection.execute(
        "UPDATE sluice.audit_heads h SET seq = a.seq, hash = a.hash FROM sluice.audit_log a"
        " WHERE h.organization_id = 1 AND a.organization_id = 1 AND a.seq = %s",
        [keep],
    )


def findings(found, organization_id=1):
    """What was found of one organization, and that the other's is whole."""
    assert not [one for number, one in found.items() if number != organization_id and one.findings]
    return [(finding.seq, finding.what) for finding in found[organization_id].findings]


def test_an_untouched_log_verifies_up_to_its_end(entries, look):
    found = look()
    assert [(one.entries, one.anchors, one.anchored, one.unanchored) for one in found.values()] == [
        (LENGTH, 2, ANCHORED, LENGTH - ANCHORED)
    ] * 2
    assert not any(one.findings or one.foreign or one.unfiled for one in found.values())


@pytest.mark.parametrize(
    "statement", ["UPDATE sluice.{} SET seq = seq", "DELETE FROM sluice.{}", "TRUNCATE sluice.{}"]
)
@pytest.mark.parametrize("table", ["audit_log", "audit_anchors"])
@pytest.mark.parametrize("role", ["origin", "replica"])
def test_changes_are_refused_even_to_a_superuser(entries, look, statement, table, role):
    entries.execute(f"SET session_replication_role = {role}")
    with pytest.raises(psycopg.Error, match="only grows") as caught:
        entries.execute(statement.format(table))
    assert caught.value.sqlstate == "SL001"
    assert findings(look()) == []


@pytest.mark.parametrize("column", OTHER)
@pytest.mark.parametrize("seq", [1, 5, LENGTH])
def test_a_changed_column_is_found(bare, look, column, seq):
    id, at = bare.execute(
        "SELECT id, at FROM sluice.audit_log WHERE organization_id = 1 AND seq = %s", [seq]
    ).fetchone()
    change(bare, column, OTHER[column], seq)
    first = look()[1].findings[0]
    assert first.seq == seq
    if column in ("organization_id", "seq"):
        assert "it is missing" in first.what or f"the log ends at {seq - 1}" in first.what
    else:
        assert (first.id == id) == (column != "id")
        assert (first.at == at) == (column != "at")


def test_every_column_is_tried(bare):
    query = "SELECT attname FROM pg_attribute WHERE attrelid = 'sluice.audit_log'::regclass AND attnum > 0"
    assert {name for (name,) in bare.execute(query)} == set(OTHER)


@pytest.mark.parametrize("column", ["user_id", "job_id"])
def test_an_emptied_column_is_found(bare, look, column):
    change(bare, column, None, 4)
    assert findings(look()) == [(4, "it was changed: its hash is not that of its content")]


def test_a_value_moved_to_the_next_column_is_found(bare, look):
    change(bare, "dataset", "job_4", 4)
    change(bare, "job_id", None, 4)
    assert [seq for seq, _ in findings(look())] == [4]


@pytest.mark.parametrize("seq", [1, 5])
def test_a_removed_entry_is_found(bare, look, seq):
    remove(bare, [seq])
    assert findings(look()) == [(seq, f"it is missing; the next that is there has the number {seq + 1}")]


def test_the_removed_last_entry_is_found(bare, look):
    remove(bare, [LENGTH])
    assert findings(look()) == [(LENGTH, f"the log ends at {LENGTH - 1}, and its head says {LENGTH}")]


def test_two_entries_that_trade_places_are_found(bare, look):
    for was, becomes in ((4, 1_000), (5, 4), (1_000, 5)):
        change(bare, "seq", becomes, was)
    ((seq, what),) = findings(look())
    assert seq == 4
    assert "does not follow" in what


def test_an_entry_slipped_in_between_is_found(bare, look):
    bare.execute("ALTER TABLE sluice.audit_log DROP CONSTRAINT audit_log_organization_id_seq_key")
    bare.execute(
        "INSERT INTO sluice.audit_log (id, organization_id, event, seq, previous, hash)"
        " SELECT 9000, 1, 'job.failed', seq, previous, hash FROM sluice.audit_log WHERE organization_id = 1 AND seq = 4"
    )
    ((seq, _),) = findings(look())
    assert seq in (4, 5)


def test_an_entry_appended_past_the_chain_is_found(bare, look):
    bare.execute(
        "INSERT INTO sluice.audit_log (id, organization_id, event, seq, previous, hash)"
        " SELECT 9000, 1, 'job.failed', seq + 1, hash, hash FROM sluice.audit_heads WHERE organization_id = 1"
    )
    assert findings(look()) == [(LENGTH + 1, "it was changed: its hash is not that of its content")]


def test_an_end_that_was_cut_off_with_its_head_is_found(bare, look):
    cut_the_end(bare, ANCHORED - 1)
    ((seq, what),) = findings(look())
    assert seq == ANCHORED
    assert "an anchor of" in what
    assert f"the log ends at {ANCHORED - 1}" in what


def test_an_end_that_was_cut_off_with_its_head_and_anchors_is_found(bare, look):
    cut_the_end(bare, 3)
    bare.execute("DELETE FROM sluice.audit_anchors WHERE seq > 3 AND organization_id = 1")
    told = findings(look())
    assert [seq for seq, _ in told] == [ANCHORED, ANCHORED]
    assert "was removed from the warehouse; the file has it" in told[0][1]
    assert "it is missing" in told[1][1]


def test_a_log_that_was_emptied_with_everything_is_found(bare, look):
    for table in ("audit_log", "audit_heads", "audit_anchors"):
        bare.execute(sql.SQL("DELETE FROM sluice.{} WHERE organization_id = 1").format(sql.Identifier(table)))
    assert {seq for seq, _ in findings(look())} == {3, ANCHORED}


def test_a_chain_made_anew_is_found_by_the_next_anchor(bare, look):
    change(bare, "event", "job.completed", 5)
    bare.execute(MADE_ANEW)
    ((seq, what),) = findings(look())
    assert seq == ANCHORED
    assert f"made anew between the entries 4 and {ANCHORED}" in what


def test_a_chain_made_anew_without_an_entry_is_found(bare, look):
    remove(bare, [2])
    bare.execute(MADE_ANEW)
    assert [seq for seq, _ in findings(look())][:1] == [3]


def test_a_chain_made_anew_that_was_not_anchored_there_shows_how_far_signatures_prove_it(bare, look):
    """The one thing that can't be found: what came after the last anchor, so that is told."""
    change(bare, "event", "job.completed", LENGTH)
    bare.execute(MADE_ANEW)
    found = look()[1]
    assert (found.findings, found.anchored, found.unanchored) == ([], ANCHORED, LENGTH - ANCHORED)


def test_a_chain_made_anew_is_not_signed_again(bare, given, look):
    change(bare, "event", "job.completed", ANCHORED)
    bare.execute(MADE_ANEW)
    (finding,) = anchor(bare, given, 1)
    assert (finding.seq, "it is not the one" in finding.what) == (ANCHORED, True)
    assert look()[1].anchors == 1


def test_a_log_that_has_lost_its_end_is_not_signed(bare, given):
    cut_the_end(bare, 3)
    bare.execute("DELETE FROM sluice.audit_anchors WHERE organization_id = 1")
    (finding,) = anchor(bare, given, 1)
    assert (finding.seq, "the log ends at 3" in finding.what) == (ANCHORED, True)


@pytest.mark.parametrize("seq", [3, ANCHORED])
def test_an_anchor_removed_from_the_warehouse_is_found(bare, look, seq):
    bare.execute("DELETE FROM sluice.audit_anchors WHERE organization_id = 1 AND seq = %s", [seq])
    ((at, what),) = findings(look())
    assert at == seq
    assert "was removed from the warehouse" in what


@pytest.mark.parametrize(
    ("column", "value"),
    [("at", "2001-01-01 00:00:00+00"), ("hash", b"\3" * 32), ("log", "1-1"), ("signature", b"\3" * 64)],
)
def test_a_changed_anchor_is_found(bare, look, column, value):
    query = sql.SQL("UPDATE sluice.audit_anchors SET {} = %s WHERE organization_id = 1 AND seq = 3")
    bare.execute(query.format(sql.Identifier(column)), [value])
    told = findings(look())
    assert {seq for seq, _ in told} == {3}
    assert any("was changed" in what for _, what in told)


def test_anchors_that_a_superuser_signs_with_a_key_of_his_own_prove_nothing(bare, look, given, tmp_path):
    change(bare, "event", "job.completed", 2)
    bare.execute(MADE_ANEW)
    bare.execute("DELETE FROM sluice.audit_anchors WHERE organization_id = 1")
    assert anchor(bare, given.model_copy(update={"home": tmp_path / "his"}), 1) == []
    found = look()[1]
    assert found.foreign == 1
    assert {finding.seq for finding in found.findings} == {3, ANCHORED}


def test_a_line_cut_off_from_the_file_is_told(entries, look, given):
    path = files.file_of(given.audit_dir, log_of(entries), 1).path
    path.write_text(path.read_text().splitlines(keepends=True)[0])
    assert look()[1].unfiled == 1


def test_a_copy_of_the_log_in_another_database_is_proven_by_the_anchors_that_came_with_it(
    entries, given, warehouse, server_url
):
    name = entries.info.dbname
    entries.close()
    with new_database(server_url, name) as url:
        elsewhere = given.model_copy(update={"audit_folder": str(given.root / "elsewhere")})
        (one, two) = verify(Warehouse.from_url(url), elsewhere)
    assert (one.entries, one.anchored, one.unfiled, one.findings) == (LENGTH, ANCHORED, 0, [])
    assert (two.entries, two.findings) == (LENGTH, [])
