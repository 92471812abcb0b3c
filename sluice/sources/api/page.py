"""A page: its records as lines, and what else the answer tells."""

from collections.abc import Sequence
from typing import Any

from sluice.sources.api.client import Answer
from sluice.sources.api.csv_page import is_csv
from sluice.sources.api.flat import FlatPages
from sluice.sources.api.lines import Page, lines_of, written
from sluice.sources.api.paging import parsed, path, plain, records
from sluice.sources.model import ApiSource


class Pages:
    """Makes pages of the answers of one source, and knows them better from one to the next."""

    def __init__(self, source: ApiSource) -> None:
        self._source, self._flat = source, FlatPages(source)

    def of(self, answer: Answer) -> Page:
        """The page. Raises SourceError where there are no records."""
        source = self._source
        csv = is_csv(answer.headers, source.options)
        if not csv and (found := self._flat.read(answer.body)):
            return found
        content, body = parsed(answer, source)
        page = records(content, source)
        if csv:
            lines = written(page)
        else:
            lines = lines_of(page, content, body, plain(source.records))
            self._flat.learn(page, lines.names)
        return Page(content, lines, lambda field: values_of(page, field))


def values_of(page: Sequence[Any], field: str) -> list[Any]:
    """What the records have at the JSONPath."""
    if field.isidentifier():
        return [one.get(field) for one in page if isinstance(one, dict)]
    return [value for one in page for value in path(field)(one)]
