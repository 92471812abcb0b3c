"""Pages that shift: where they are counted, records that come or go meanwhile move the others to other pages."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from sluice.sources.api.declaration import NUMBERED
from sluice.sources.api.lines import Lines
from sluice.sources.api.paging import Ask, numbered
from sluice.sources.api.spool import Spool
from sluice.sources.model import ApiSource

PASSES = 3  # in which the pages are read at most
MANY = 1_000_000  # records of which none is read again: their hashes take 100 MB
_HEADERS = ("x-total-count", "x-total", "total-count", "x-wp-total")
_NAMES = ("total", "totalcount", "totalresults", "totalelements", "totalitems", "totalrecords", "count")
_AROUND = ("meta", "metadata", "pagination", "paging", "page")


class Shifts:
    """What speaks for it, page by page. ``whole``: whether everything was asked for, so that the total must come.

    ``told`` is kept with the checkpoint. ``total``: records that there are, as the server said last, and ``before`` it
    changed; ``removed``: by how many it fell; ``repeated``: records of a page that came again on the next; ``stopped``:
    whether a page had changed when a stopped fetch went on; ``lost``: whether records may be, since this pass began;
    ``passes`` after the first, and the records ``found`` by them; ``missing``: records that never came.
    """

    def __init__(self, source: ApiSource, spool: Spool, begin: Ask, *, whole: bool) -> None:
        self._paging, self._spool, self._begin, self._whole = source.paging, spool, begin, whole
        self._counted = source.paging.style in NUMBERED
        self._before = b""
        self.told = dict(spool.at.shifts)
        self._known: set[int] | None = None

    @property
    def passes(self) -> int:
        """How often the pages were begun anew."""
        return self.told.get("passes", 0)

    @property
    def last(self) -> Ask | None:
        """The request for the page that was read last by the process before this, where it can be told."""
        at, paging = self._spool.at, self._paging
        if not (self._counted and at.next and at.last and (paging.style == "page" or paging.size)):
            return None
        return numbered(paging, at.next, -1, 0)

    def look_back(self, page: Lines) -> None:
        """Take that page as it is now: does the next one still follow it?"""
        self._before = page.text
        if hash_of(page) != self._spool.at.last:
            self.told |= {"stopped": 1, "lost": 1}

    def see(self, headers: Mapping[str, str], content: Any, page: Lines) -> Lines:
        """Look at a page. Returns the records that are to be kept of it: all in the first pass."""
        self._note("repeated", overlap(self._before, page.text))
        self._before = page.text
        if not self._counted:
            return page
        now, before = (
            total(headers, content, page.count if "total" not in self.told else -1),
            self.told.get("total"),
        )
        if now is not None:
            self.told["total"] = now
            if before is not None and now != before:
                self.told.setdefault("before", before)
                self._note("removed", before - now)
                self.told["lost"] = max(self.told.get("lost", 0), int(now < before))
        if not self.passes:
            return page
        return self._fresh(page)

    def again(self, more: int) -> Ask | None:
        """After the last page, which brings so many ``more``: where to begin again; None where nothing was lost."""
        told, records = self.told, self._spool.at.records + more
        if told.get("lost") and self.passes + 1 < PASSES and records <= MANY:
            told |= {"passes": self.passes + 1, "lost": 0}
            self._before, self._known = b"", None
            return self._begin
        if "total" in told and self._whole and not self.passes:
            self._note("missing", told["total"] - (records - told.get("repeated", 0)))
        return None

    def _note(self, name: str, count: int) -> None:
        if count > 0:
            self.told[name] = self.told.get(name, 0) + count

    def _fresh(self, page: Lines) -> Lines:
        """The records of the page that are not in the spool."""
        if self._known is None:
            self._known = {_same(one) for one in self._spool.records()}
        told = [(line, _same(orjson.loads(line))) for line in page.text.splitlines(keepends=True)]
        fresh = [line for line, same in told if same not in self._known]
        self._known |= {same for _, same in told}
        self._note("found", len(fresh))
        return Lines(b"".join(fresh), len(fresh), page.names)


def _same(record: Any) -> int:
    """The same for the same record, however it is written."""
    return hash(orjson.dumps(record))


def hash_of(page: Lines) -> str:
    """SHA-256 of a page's records."""
    return hashlib.sha256(page.text).hexdigest()


def overlap(before: bytes, page: bytes) -> int:
    """How many records at the end of the page ``before`` are those that the next one begins with; both as lines."""
    first = page[: page.find(b"\n") + 1]
    if not first or before.count(first) != 1:  # the same record more than once tells nothing
        return 0
    rest = before[before.index(first) :]
    return rest.count(b"\n") if page.startswith(rest) else 0


def total(headers: Mapping[str, str], content: Any, size: int) -> int | None:
    """How many records there are, as the answer says; None where it doesn't, or says what a page of ``size`` has."""
    texts = [headers[name] for name in _HEADERS if name in headers]
    texts += [headers["content-range"].rpartition("/")[2]] if "content-range" in headers else []
    if isinstance(content, dict):
        places = [content, *(content[name] for name in _AROUND if isinstance(content.get(name), dict))]
        named = [{name.replace("_", "").lower(): value for name, value in one.items()} for one in places]
        texts += [str(one[name]) for one in named for name in _NAMES if name in one]
    found = next((int(text) for text in texts if text.isdecimal()), None)
    return found if found is not None and found > size else None


def warnings(told: Mapping[str, int]) -> Iterator[str]:
    """What the job has to tell of it."""
    if count := told.get("repeated"):
        yield (
            f"The server's pages shifted while they were read: {count:,} records came twice."
            " Where the dataset has a key, the later one stands."
        )
    gone = [f"{told['removed']:,} records were removed meanwhile"] if told.get("removed") else []
    gone += ["a page had changed when a stopped fetch went on"] if told.get("stopped") else []
    if gone:
        passes = told.get("passes", 0) + 1
        ended = (
            "records may be missing: load again when the server is quieter, or by cursor"
            if told.get("lost")
            else f"{told.get('found', 0):,} more records were found"
        )
        yield f"The server's pages shifted while they were read: {' and '.join(gone)}. Read {passes} times; {ended}."
    elif "before" in told and not count:
        yield f"The server told {told['before']:,} records, and {told['total']:,} while its pages were read."
    if missing := told.get("missing"):
        yield f"The server told {told['total']:,} records; {missing:,} of them did not come."
