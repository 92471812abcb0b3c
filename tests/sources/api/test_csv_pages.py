"""Endpoints that answer with CSV: in pages, each with its header, or in one."""

from typing import Any

import httpx
import pytest

from sluice.errors import SetupError, SourceError
from sluice.sources.api.client import Client
from sluice.sources.api.csv_page import csv_records, reader_options
from sluice.sources.api.fetch import fetch
from sluice.sources.api.spool import spooled
from sluice.sources.guard import Guard
from tests.sources.api.server import Api
from tests.sources.api.test_fetch import fetched, source
from tests.sources.api.test_probe import found

PAGES = {"paging": {"style": "page", "size": 10, "size_param": "size"}}


def texts(api: Api) -> list[dict[str, str]]:
    return [{name: str(value) for name, value in one.items()} for one in api.items]


@pytest.mark.parametrize("style", ["page", "offset"])
@pytest.mark.parametrize("count", [0, 1, 10, 35])
def test_every_record_of_pages_of_csv_comes_once_and_in_order(api, tmp_path, style, count):
    api.fill(count)
    records, at = fetched(tmp_path, source(api, "table", paging=PAGES["paging"] | {"style": style}))
    assert (records, at.done) == (texts(api), True)


@pytest.mark.parametrize("kind", ["text/csv", "text/csv; charset=utf-16", "application/octet-stream"])
def test_one_answer_of_csv_is_left_to_the_reader_of_files(api, tmp_path, kind):
    api.fill(3)
    api.items[0]["name"] = 'Zoë, "the\nsecond"'
    api.content_type = kind
    options = {"format": "csv"} if "octet" in kind else {}
    what = source(api, "table", options=options)
    with spooled(tmp_path) as spool, Client(Guard(anywhere=True)).opened() as client:
        fetch(what, client, spool)
        assert (spool.at.done, spool.at.raw) == (True, True)
    assert (
        (tmp_path / "000000.ndjson")
        .read_bytes()
        .decode("utf-16" if "16" in kind else "utf-8-sig")
        .startswith("name,")
    )


def test_probe_proposes_pages_of_csv(api, tmp_path):
    api.fill(35)
    proposed = found(api, "table", params={"size": "10"}).source
    assert (proposed.records, proposed.paging.style, proposed.paging.size) == ("$", "page", 10)
    assert fetched(tmp_path, proposed)[0] == texts(api)


def records(body: str | bytes, kind: str = "text/csv", **options: str) -> list[Any]:
    data = body.encode() if isinstance(body, str) else body
    return csv_records(data, httpx.Headers({"content-type": kind}), options, "http://h/x?token=secret")


def test_cells_are_those_of_the_header_line_and_empty_ones_have_no_value():
    assert records('\ufeffa;b\r\n1;"x;y ""z"""\r\n\r\n;2') == [
        {"a": "1", "b": 'x;y "z"'},
        {"a": None, "b": "2"},
    ]
    assert records("a\tb\n1\t2") == [{"a": "1", "b": "2"}]
    assert records("a,,a\n1,2,3") == [{"a": "1", "column_2": "2", "a_2": "3"}]
    assert records("a^b\n'1^2'^3", delimiter="^", quote="'") == [{"a": "1^2", "b": "3"}]
    assert records("a\n1") == [{"a": "1"}]
    assert records("") == records("\n") == records("a,b\n") == []


def test_a_record_of_another_width_stays_text_for_the_reader_to_turn_away():
    assert records('a,b\n1,"x,y",3\n4\n5,6') == ['1,"x,y",3', "4", {"a": "5", "b": "6"}]


@pytest.mark.parametrize(
    ("encoding", "kind", "options"),
    [
        ("cp1252", "text/csv; charset=windows-1252", {}),
        ("cp1252", "text/csv", {"encoding": "cp1252"}),
        ("cp1252", "text/csv", {}),
        ("utf-16", 'text/csv; charset="utf-16"; header=present', {}),
        ("utf-8", "text/csv;charset=UTF-8", {}),
    ],
)
def test_encodings_are_as_told_or_guessed(encoding, kind, options):
    text = "name,city\nJürgen Müller,Köln\nZoë,Besançon\n" * 5
    assert records(text.encode(encoding), kind, **options)[0] == {"name": "Jürgen Müller", "city": "Köln"}


@pytest.mark.parametrize(
    ("options", "kind", "error"),
    [
        ({"header": "false"}, "text/csv", SetupError),
        ({"delimiter": "||"}, "text/csv", SetupError),
        ({"encoding": "none-such"}, "text/csv", SetupError),
        ({}, "text/csv; charset=utf-8", SourceError),
    ],
)
def test_what_pages_of_csv_can_not_be_is_said(options, kind, error):
    with pytest.raises(error) as told:
        records("a,b\n\xfc,1".encode("latin-1"), kind, **options)
    assert told.value.hint
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("text/csv; charset=windows-1250", {"encoding": "cp1250"}),
        ("text/csv; charset=utf-8", {}),  # which servers say of anything
        ("text/csv; charset=none-such", {}),
        ("text/csv", {}),
        ("application/json; charset=windows-1250", {}),
    ],
)
def test_the_reader_of_files_is_told_the_encoding_that_the_server_knows(kind, told):
    assert reader_options(httpx.Headers({"content-type": kind})) == told
