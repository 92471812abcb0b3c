"""Signed reports: which entries answer which requirement, and that nothing of them can be changed."""

import ast
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest

from sluice.audit import log, report
from sluice.audit.frameworks import FRAMEWORKS
from sluice.audit.report import Unproven, Wanted
from sluice.errors import SetupError
from sluice.security.anchor_key import AnchorKeys
from tests.audit.conftest import LENGTH

PROJECT = Path(__file__).parents[2]
UNANSWERING = {"job.stage"}  # how far a job has come answers nothing that its begin and end don't
WRITERS = {"ledger.audit", "log.write", "log.writing", "_note", "self._record"}  # they take an event's name
WHAT = ("result", "rejects")  # that is downloaded


@pytest.fixture
def keys(given):
    return AnchorKeys.from_settings(given)


@pytest.fixture
def written(warehouse, entries, look, keys, tmp_path):
    """Writes a report of organization 2 and returns its file."""

    def write(name="gdpr", **period):
        path = tmp_path / f"{name}.json"
        report.write(warehouse, keys, Wanted(FRAMEWORKS[name], 2, **period), look()[2], path)
        return path

    return write


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_a_report_has_the_entries_that_answer_and_what_is_not_covered(written, keys, name):
    path = written(name)
    told = json.loads(path.read_text())
    assert (told["framework"], told["organization_id"], told["counts"]) == (
        name,
        2,
        {"load.published": LENGTH},
    )
    assert told["chain"]["entries"] == LENGTH
    assert told["not_covered"]
    answered = [one["id"] for one in told["requirements"] if one["entries"].get("load.published")]
    expected = LENGTH if name != "pci-dss" else 0
    assert len(told["entries"]) == expected
    assert bool(answered) == bool(expected)
    for number, entry in enumerate(told["entries"], 1):
        assert (entry["seq"], entry["event"], entry["answers"]) == (number, "load.published", answered)
    assert report.check(keys, path)["framework"] == name


def test_a_report_keeps_to_its_period(written, connection):
    (at,) = connection.execute(
        "SELECT at FROM sluice.audit_log WHERE organization_id = 2 AND seq = 4"
    ).fetchone()
    told = json.loads(written(since=at, before=at + timedelta(microseconds=1)).read_text())
    assert [entry["seq"] for entry in told["entries"]] == [4]
    assert json.loads(written(since=datetime(2100, 1, 1, tzinfo=UTC)).read_text())["entries"] == []


def test_the_making_of_a_report_is_noted(written, connection):
    written()
    (entry,) = log.newest(connection, 2, event="audit.exported")
    assert entry["details"]["framework"] == "gdpr"
    assert entry["details"]["entries"] == LENGTH


def test_any_changed_byte_of_a_report_is_found(written, keys):
    path = written()
    text = path.read_bytes()
    for at in range(0, len(text), len(text) // 40):
        path.write_bytes(text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :])
        with pytest.raises(Unproven, match="was changed"):
            report.check(keys, path)
    for other in (text[:-1], text + b" ", b""):
        path.write_bytes(other)
        with pytest.raises(Unproven, match="was changed"):
            report.check(keys, path)
    path.write_bytes(text)
    assert report.check(keys, path)


def test_a_changed_or_borrowed_signature_is_found(written, keys):
    path, other = written(), written("sox")
    beside = report.signature_of(path)
    token = beside.read_text().strip()
    head, body, signature = token.split(".")
    forged = [
        f"{head}.{body}.{signature[:-4]}AAAA",
        f"{head}.{body}.",
        jwt.encode({"sha256": "0"}, None, algorithm="none", headers={"kid": keys.key_id}),
        jwt.encode({"sha256": "0"}, "x" * 32, algorithm="HS256", headers={"kid": keys.key_id}),
        "",
        report.signature_of(other).read_text(),
    ]
    for text in forged:
        beside.write_text(text)
        with pytest.raises(Unproven):
            report.check(keys, path)
    beside.write_text(token)
    assert report.check(keys, path)


def test_a_report_of_another_key_counts_where_that_is_trusted(written, keys, given, tmp_path):
    path = written()
    elsewhere = given.model_copy(update={"home": tmp_path / "elsewhere"})
    with pytest.raises(Unproven, match="not trusted here"):
        report.check(AnchorKeys.from_settings(elsewhere), path)
    trusting = elsewhere.model_copy(update={"audit_trusted_keys": keys.public})
    assert report.check(AnchorKeys.from_settings(trusting), path)["kid"] == keys.key_id


def test_a_missing_signature_is_told(written, keys):
    path = written()
    report.signature_of(path).unlink()
    with pytest.raises(SetupError, match="There is no file"):
        report.check(keys, path)


def test_every_event_that_a_framework_names_is_written_somewhere_and_each_that_is_written_answers_something(
    connection,
):
    named = {event for one in FRAMEWORKS.values() for event in one.events}
    written = by_code() | by_trigger(connection)
    assert named <= written
    assert written - named == UNANSWERING


def test_every_event_that_is_written_stands_in_the_manual(connection):
    manual = (PROJECT / "docs" / "audit.md").read_text()
    missing = {event for event in by_code() | by_trigger(connection) if f"`{event}`" not in manual}
    assert not missing


def by_code() -> set[str]:
    """The events that the code gives a name to where it writes an entry."""
    found = set()
    for folder in ("sluice", "gateway", "blocks", "tasks", "flows", "deployments"):
        for path in (PROJECT / folder).rglob("*.py"):
            for call in ast.walk(ast.parse(path.read_text())):
                if isinstance(call, ast.Call) and ast.unparse(call.func) in WRITERS:
                    found |= {event for given in call.args for event in names(given)}
    return found


def names(given: ast.expr) -> set[str]:
    text = ast.unparse(given)
    if isinstance(given, ast.JoinedStr) and "{what}.downloaded" in text:
        return {f"{what}.downloaded" for what in WHAT}
    return set(re.findall(r"'([a-z]+\.[a-z]+)'", text))


def by_trigger(connection) -> set[str]:
    """The events of a job's moves, for each status that one may have."""
    query = (
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ingestion_jobs_status_check'"
    )
    (rule,) = connection.execute(query).fetchone()
    moves = {f"job.{status}" for status in re.findall(r"'([a-z]+)'", rule)}
    return moves - {"job.pending"} | {"job.created", "job.stage"}
