"""Endpoints that nobody declared yet."""

from typing import Any

import pytest

from sluice.errors import SourceError
from sluice.sources.api.client import Client
from sluice.sources.api.probe import Found, declaration, probe
from sluice.sources.guard import Guard
from sluice.sources.model import ApiSource
from tests.sources.api.server import Api
from tests.sources.api.test_fetch import fetched


def found(api: Api, name: str, **more: Any) -> Found:
    with Client(Guard(anywhere=True), tries=1).opened() as client:
        return probe(ApiSource(url=f"{api.url}/{name}", **more), client)


@pytest.mark.parametrize(
    ("name", "params", "where", "paging"),
    [
        ("linked", {}, "$.data.rows", {"style": "link"}),
        ("cursored", {}, "$.items", {"style": "cursor", "next": "$.meta.cursor", "param": "cursor"}),
        ("listing", {"size": "10"}, "$", {"style": "page", "param": "page", "size": 10}),
        ("lines", {}, "$", {}),
    ],
)
def test_a_proposal_fetches_all_that_there_is(api, tmp_path, name, params, where, paging):
    items = api.fill(35)
    proposed = found(api, name, params=params)
    assert proposed.source.records == where
    assert {"style": "none", **declaration(proposed, "x")["endpoints"]["x"].get("paging", {})} == {
        "style": "none",
        **paging,
    }
    assert proposed.requests < 25
    records, _ = fetched(tmp_path, proposed.source)
    assert records == items


def test_changes_are_asked_for_where_the_server_can_tell_them(api):
    api.fill(50)
    incremental = found(api, "listing").source.incremental
    assert incremental
    assert (incremental.field, incremental.param) == ("updated", "since")
    assert found(api, "lines").source.incremental is None


def test_an_answer_without_records_is_told(api):
    with pytest.raises(SourceError, match="no records are in the answer"):
        found(api, "listing")


def test_pages_of_records_that_repeat_are_found(api, tmp_path):
    items = api.items = [
        {"name": f"n{n % 3}", "stars": n % 2, "updated": "2026-01-01T00:00:00Z"} for n in range(20)
    ]
    proposed = found(api, "listing", params={"size": "10"})
    assert proposed.source.paging.style == "page"
    assert fetched(tmp_path, proposed.source)[0] == items
    assert found(api, "same").source.paging.style == "none"


@pytest.mark.parametrize(
    ("ignored", "begins", "told"),
    [
        ((), 1, "`page` counts pages; the second has 5"),
        ((), 0, "`page` counts pages from 0; the second has 5"),
        (("page",), 1, "`offset` counts records; the second has 5"),
        (("page", "offset"), 0, "`start` counts records; the second has 5"),
        (("page", "offset"), 1, "`start` counts records from 1; the second has 5"),
    ],
)
def test_nothing_is_lost_wherever_the_counting_begins(api, tmp_path, ignored, begins, told):
    items, api.begins, api.ignored = api.fill(15), begins, ignored
    proposed = found(api, "listing", params={"size": "10"})
    assert f"pages: {told} other records" in proposed.evidence
    assert proposed.requests < 25
    assert fetched(tmp_path, proposed.source)[0] == items


@pytest.mark.parametrize(
    ("style", "told"),
    [
        ("hal", "$._links.next.href"),
        ("fhir", "$.link[?@.relation == 'next'].url"),
        ("odata", "$['@odata.nextLink']"),
    ],
)
def test_the_next_page_is_told_from_the_last_one(api, tmp_path, style, told):
    items = api.fill(35)
    proposed = found(api, f"in_body/{style}")
    assert proposed.source.paging.next == told
    assert fetched(tmp_path, proposed.source)[0] == items
