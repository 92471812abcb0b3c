"""Lists that change while their pages are read: what may be lost is read again, what can't be helped is told."""

from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response

from sluice.errors import SourceError
from sluice.sources.api.shifts import warnings
from sluice.sources.api.spool import Checkpoint
from tests.sources.api.server import Api
from tests.sources.api.test_fetch import fetched, source

PAGES: dict[str, Any] = {"paging": {"style": "page", "size": 10, "size_param": "size"}, "concurrency": 1}


def names(found: list[dict[str, Any]]) -> list[str]:
    return sorted(one["name"] for one in found)


def read(api: Api, folder: Path, **more: Any) -> tuple[list[str], str, Checkpoint]:
    """The names of the records, and the warnings."""
    found, at = fetched(folder, source(api, "listing", **PAGES | more))
    assert at.done
    return names(found), " ".join(warnings(at.shifts)), at


def new(number: int) -> dict[str, Any]:
    return {"name": f"new-{number}", "stars": 1, "updated": "2026-02-01T00:00:00Z"}


def test_a_list_that_stays_gives_nothing_to_tell(api, tmp_path):
    api.fill(45)
    api.totals = True
    found, told, _ = read(api, tmp_path)
    assert (found, told) == (names(api.items), "")
    assert len(api.asked) == 5


def test_records_that_come_in_front_make_others_come_twice_and_are_told(api, tmp_path):
    items = api.fill(45)
    api.changes[2] = lambda: items.__setitem__(slice(0, 0), [new(1), new(2)])
    found, told, _ = read(api, tmp_path)
    assert set(found) == {one["name"] for one in items if "new" not in one["name"]}
    assert len(found) == 45 + 2
    assert "2 records came twice" in told


@pytest.mark.parametrize("style", ["page", "offset"])
def test_what_moved_to_a_page_that_was_read_is_found_by_reading_again(api, tmp_path, style):
    items = api.fill(45)
    api.totals = True
    api.changes[2] = lambda: items.__delitem__(slice(0, 3))
    found, told, _ = read(api, tmp_path, paging=PAGES["paging"] | {"style": style})
    assert found == [f"item-{number:06d}" for number in range(45)]
    assert "3 records were removed meanwhile. Read 2 times; 3 more records were found." in told
    assert len(api.asked) == 5 + 5


def test_a_list_that_never_stays_is_read_three_times_and_told(api, tmp_path):
    items = api.fill(45)
    api.totals = True
    api.changes = {number: lambda: items.pop(0) for number in (1, 6, 11)}
    found, told, _ = read(api, tmp_path)
    assert len(found) == len(set(found)) == 45
    assert "Read 3 times; records may be missing" in told
    assert not api.changes


def test_a_stopped_fetch_looks_at_its_last_page_again(api, tmp_path):
    items = api.fill(45)
    api.faults = [None, None, Response(status_code=404)]  # type: ignore[list-item]
    with pytest.raises(SourceError, match="404"):
        read(api, tmp_path)
    found, told, _ = read(api, tmp_path)
    assert (found, told) == (names(items), "")
    assert [one["page"] for one in api.asked] == ["1", "2", "3", "2", "3", "4", "5"]


def test_pages_that_differ_when_a_stopped_fetch_goes_on_are_read_again(api, tmp_path):
    items = api.fill(45)
    api.faults = [None, None, Response(status_code=404)]  # type: ignore[list-item]
    with pytest.raises(SourceError, match="404"):
        read(api, tmp_path)
    del items[:5]
    found, told, at = read(api, tmp_path)
    assert found == [f"item-{number:06d}" for number in range(45)]
    assert "a page had changed when a stopped fetch went on. Read 2 times; 5 more records were found." in told
    assert at.shifts["passes"] == 1


def test_a_second_pass_that_is_stopped_goes_on_and_brings_nothing_twice(api, tmp_path):
    items = api.fill(45)
    api.totals = True
    api.changes[2] = lambda: items.__delitem__(slice(0, 3))
    api.faults = [*[None] * 7, Response(status_code=404)]  # type: ignore[list-item]
    with pytest.raises(SourceError, match="404"):
        read(api, tmp_path)
    found, _, _ = read(api, tmp_path)
    assert found == [f"item-{number:06d}" for number in range(45)]


def test_records_that_the_server_counts_but_does_not_send_are_told(api, tmp_path):
    api.fill(25)
    api.headers = {"x-total-count": "27"}
    _, told, _ = read(api, tmp_path)
    assert told == "The server told 27 records; 2 of them did not come."
    assert len(api.asked) == 3


def test_records_that_look_all_the_same_are_no_shift(api, tmp_path):
    api.items = [{"name": "same", "stars": number // 12, "updated": "2026"} for number in range(35)]
    _, told, _ = read(api, tmp_path)
    assert told == ""
