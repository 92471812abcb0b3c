"""How JSON values become cells: objects flattened by path, arrays as rows, and anything else as one column."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from sluice.readers.json.form import Form
from sluice.readers.json.values import (
    DEPTH_LIMIT,
    Decoder,
    Item,
    Number,
    Pairs,
    TooDeepError,
    cell_text,
    exact,
    kind,
    may_be_lone,
    undecodable,
    unpaired,
)

VALUE = "value"
_LAYOUTS = 1_000  # sets of names that are remembered
_FLAT = {str, Number, bool, type(None)}
_CONSTANTS: dict[object, str] = {True: "true", False: "false"}
Cells = dict[str, str | None]
_Path = tuple[str, ...]


class RecordError(Exception):
    """The record has no clear cells."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason, self.message = reason, message


class ClashError(Exception):
    """Two different places of a record would share a column; the file is read again with that object kept whole."""


def shape_of(items: Sequence[Item]) -> str:
    """What most of the values are: ``objects``, ``rows`` or ``values``."""
    kinds: Counter[str] = Counter()
    for value in (item.value for item in items if not item.reason):
        if value is not None:
            kinds[_kind(value)] += 1
    for many in ("objects", "rows"):  # an empty one is as the others of its kind, if there are any
        kinds[many if kinds[many] else "values"] += kinds[f"empty {many}"]
    named = kinds["objects"] or kinds["rows"]
    if not named or kinds["values"] > kinds["objects"] + kinds["rows"]:
        return "values"
    return "objects" if kinds["objects"] >= kinds["rows"] else "rows"


def _kind(value: Any) -> str:
    if not isinstance(value, list):
        return "values"
    many = "objects" if isinstance(value, Pairs) else "rows"
    return many if value else f"empty {many}"


class Columns:
    """Cells of objects by the path of their names. ``whole``: which names keep an object as JSON text, ``kept``:
    the paths that do; it grows by each clash.
    """

    header: tuple[str, ...] = ()

    def __init__(
        self, decoder: Decoder, whole: Callable[[str], bool], repairs: Counter[str], kept: set[_Path]
    ) -> None:
        self._decoder, self._whole, self._repairs = decoder, whole, repairs
        self._kept = kept
        self._paths: dict[str, _Path] = {}
        self._doubled = False
        self._counts: dict[_Path, int] = {}  # values of names that repeat, in one record
        self._flat: set[tuple[str, ...]] = set()  # names of objects that were seen

    def cells(self, item: Item) -> Cells:
        """Cell texts by column. Raises RecordError, TooDeepError, ClashError."""
        if type(item.value) is not Pairs:
            message = f"The record is {kind(item.value)}, not an object as the others."
            raise RecordError("not_an_object", message)
        cells: Cells = dict(item.value)
        if len(cells) != len(item.value):
            return self._nested(item)
        kinds = set(map(type, cells.values()))
        if not kinds <= _FLAT:
            return self._nested(item)
        names = tuple(cells)
        if names not in self._flat:
            for name in names:
                self.column((name,))
            if len(self._flat) < _LAYOUTS:
                self._flat.add(names)
        if bool in kinds:
            return {name: _CONSTANTS.get(one, one) for name, one in cells.items()}
        return cells

    def learn(self, form: Form, item: Item) -> None:
        """Show the form a record."""
        form.see(exact(item), lambda path: bool(path) and (path in self._kept or self._whole(path[-1])))

    def _nested(self, item: Item) -> Cells:
        cells: Cells = {}
        self._flatten(self._decoder.exactly(item), (), cells)
        self._repairs["duplicate_name"] += self._doubled
        self._doubled = False
        self._counts.clear()
        return cells

    def _flatten(self, value: Pairs, above: _Path, cells: Cells) -> None:
        if len(above) >= DEPTH_LIMIT:
            raise TooDeepError
        for name, one in value:
            path = (*above, name)
            if type(one) is Pairs and one and path not in self._kept and not self._whole(name):
                self._flatten(one, path, cells)
                continue
            column = self.column(path)
            while column in cells:
                self._counts[path] = count = self._counts.get(path, 1) + 1
                column, self._doubled = self.column((*above, f"{name} (value {count})")), True
            cells[column] = cell_text(one, len(above) + 1)

    def column(self, path: _Path) -> str:
        """The column of the values at that path. Raises ClashError."""
        name = ".".join(path)
        standing = self._paths.setdefault(name, path)
        if standing != path:
            self._kept.add(max(path, standing, key=len)[:-1])
            raise ClashError(name)
        return name


class Rows:
    """Cells of arrays by position. ``named``: the columns' names where the file tells them beside the rows;
    else the first row is the header if it is nothing but different texts.
    """

    def __init__(
        self,
        sample: Sequence[Item],
        decoder: Decoder,
        repairs: Counter[str],
        named: Callable[[int], list[str] | None] = lambda width: None,
    ) -> None:
        self._decoder, self._repairs = decoder, repairs
        widths = Counter(len(item.value) for item in sample if type(item.value) is list)
        width = max(widths)
        names = named(width)
        usual = widths.most_common(1)[0][0]
        others = sum(number for length, number in widths.items() if length <= usual) > 1
        self.headed = others and _is_header(sample[0], usual)
        if names:
            self.headed = sample[0].value == names
        elif self.headed:
            names = sample[0].value
        self._clear = bool(names)
        self.header: tuple[str, ...] = tuple(names or (f"column_{n}" for n in range(1, width + 1)))

    def cells(self, item: Item) -> Cells:
        """Cell texts by column. Raises RecordError, TooDeepError."""
        value = item.value
        if type(value) is not list:
            raise RecordError("not_an_array", f"The record is {kind(value)}, not an array as the others.")
        if any(isinstance(one, list) for one in value):
            value = self._decoder.exactly(item)
        if len(value) > len(self.header):
            found = f"The record has {len(value):,} cells, {len(self.header):,} are expected."
            raise RecordError("too_many_cells", found)
        self._repairs["missing_cells"] += self._clear and len(value) < len(self.header)
        return {name: cell_text(one) for name, one in zip(self.header, value, strict=False)}

    def learn(self, form: Form, item: Item) -> None:
        """Show the form a record."""
        form.see_row(self.header, exact(item))

    def column(self, path: _Path) -> str:
        """The column of a position."""
        return path[-1]


def _is_header(item: Item, width: int) -> bool:
    if item.reason or type(item.value) is not list or not len(item.value) == width > 0:
        return False
    names = exact(item)
    return all(type(name) is str and name for name in names) and len(set(names)) == width


class Values:
    """One column of whatever each value is."""

    header = (VALUE,)

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder

    def cells(self, item: Item) -> Cells:
        """The one cell. Raises TooDeepError."""
        value = self._decoder.exactly(item) if isinstance(item.value, list) else item.value
        return {VALUE: cell_text(value)}

    def learn(self, form: Form, item: Item) -> None:
        """Show the form a record."""
        form.see(exact(item), lambda path: True)

    def column(self, path: _Path) -> str:
        """The one column."""
        return VALUE


def cells_of(item: Item, shape: Columns | Rows | Values, repairs: Counter[str]) -> Cells:
    """The item's cells in that shape. Raises RecordError, ClashError."""
    if item.reason:
        raise RecordError(item.reason, item.message)
    if not item.raw.isascii() and undecodable(item.raw):
        raise RecordError("bad_encoding", "The record holds bytes that are no text.")
    try:
        cells = shape.cells(item)
    except TooDeepError as error:
        raise RecordError("too_deep", str(error)) from error
    if not may_be_lone(item.raw):
        return cells
    mended = {str(unpaired(name)): unpaired(text) for name, text in cells.items()}
    if len(mended) != len(cells):
        raise RecordError("bad_encoding", "The names of the record hold halves of surrogate pairs.")
    repairs["lone_surrogate"] += mended != cells
    return mended
