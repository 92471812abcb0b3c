"""Cells of every type come back as they were, whatever they hold; keys that lack and changes are told."""

import string
from datetime import UTC, date, datetime, time
from decimal import Decimal
from random import Random
from typing import Any

import pyarrow as pa
import pytest

from sluice.errors import RetryError, SetupError
from sluice.security import cells
from sluice.security.cells import Opener, Sealer, Shape
from sluice.security.ring import Ring

KINDS: dict[str, tuple[str, pa.DataType]] = {
    "text": ("VARCHAR", pa.string()),
    "small": ("SMALLINT", pa.int16()),
    "whole": ("INTEGER", pa.int32()),
    "large": ("BIGINT", pa.int64()),
    "single": ("FLOAT", pa.float32()),
    "double": ("DOUBLE", pa.float64()),
    "flag": ("BOOLEAN", pa.bool_()),
    "day": ("DATE", pa.date32()),
    "clock": ("TIME", pa.time64("us")),
    "moment": ("TIMESTAMP", pa.timestamp("us")),
    "zoned": ("TIMESTAMPTZ", pa.timestamp("us", "UTC")),
    "money": ("DECIMAL(18,4)", pa.decimal128(18, 4)),
    "nested": ("JSON", pa.string()),
}
LETTERS = string.printable + "äß€𝄞=\x01\u2028"


def value(random: Random, name: str) -> Any:
    """Some value of the type, or none; often an extreme one."""
    if random.random() < 0.15:
        return None
    bits = {"small": 16, "whole": 32, "large": 64}
    if name in bits:
        most = 2 ** (bits[name] - 1)
        return random.choice([-most, most - 1, 0, random.randrange(-most, most)])
    moment = datetime.fromtimestamp(random.randrange(-(10**9), 4 * 10**9), UTC)
    return {
        "text": lambda: "".join(random.choices(LETTERS, k=random.choice([0, 1, 20, 3000]))),
        "single": lambda: float(random.choice([0.5, -1.25, float("inf"), 2.0**100])),
        "double": lambda: random.choice([0.1, -1e308, 5e-324, float("-inf"), random.gauss(0, 1e9)]),
        "flag": lambda: random.random() < 0.5,
        "day": lambda: random.choice([date.min, date.max, moment.date()]),
        "clock": lambda: random.choice([time.min, time.max, moment.time()]),
        "moment": lambda: random.choice([datetime.min, datetime.max, moment.replace(tzinfo=None)]),
        "zoned": lambda: moment.replace(microsecond=random.randrange(10**6)),
        "money": lambda: Decimal(random.randrange(-(10**17), 10**17)).scaleb(-4),
        "nested": lambda: random.choice(['{"a": [1, null, "x"]}', "[]", '"text"', "{}"]),
    }[name]()


def ring(organization_id: int = 1) -> Ring:
    return Ring(organization_id, 7, {7: bytes(range(32))}, bytes(32))


def shape(**more: Any) -> Shape:
    return Shape("things", {name: kind for name, (kind, _) in KINDS.items()}, **more)


def batch(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    columns = {name: pa.array([row[name] for row in rows], kind) for name, (_, kind) in KINDS.items()}
    columns |= {"id": pa.array(range(len(rows)), pa.int64()), "_extra": pa.nulls(len(rows), pa.string())}
    return pa.RecordBatch.from_pydict(columns)


def no_keys(_: object) -> dict[bytes, bytes]:
    return {}


@pytest.mark.parametrize("seed", range(20))
def test_values_of_every_type_come_back(seed: int) -> None:
    random = Random(seed)
    rows = [{name: value(random, name) for name in KINDS} for _ in range(200)]
    what = shape(domains={"text": "a", "large": "b"}, bound=("id",), keyed=seed % 2 == 0)
    sealed = Sealer(ring(), what, no_keys).seal(batch(rows)).to_pylist()
    back = Opener(ring(), what, no_keys).open(sealed)
    given = batch(rows).to_pylist()
    for row in given:
        row["nested"] = cells.typed([row["nested"]], "JSON")[0]
    assert back == given
    for row, plain in zip(sealed, given, strict=True):
        assert {row[name] for name in KINDS if name not in ("text", "large")} <= {b"", None}
        assert all((row[name] is None) == (plain[name] is None) for name in KINDS if name != "nested")


def sealed_row(**changes: Any) -> tuple[dict[str, Any], Shape]:
    row = dict.fromkeys(KINDS) | {"text": "secret", "whole": 5}
    what = shape(domains={"text": "a"}, bound=("id",))
    return {**Sealer(ring(), what, no_keys).seal(batch([row])).to_pylist()[0], **changes}, what


@pytest.mark.parametrize(
    "changes",
    [
        {"_sealed": None},
        {"id": 1},
        {"text": bytes(16)},
        {"text": None},
        {"whole": None},
        {"_sealed": b"\x01"},
        {"_sealed": b"\x09" + bytes(40)},
    ],
    ids=str,
)
def test_a_row_that_was_tampered_with_is_not_opened(changes: dict[str, Any]) -> None:
    row, what = sealed_row(**changes)
    with pytest.raises(SetupError, match="things: a row's encrypted values were changed"):
        Opener(ring(), what, no_keys).open([row])


@pytest.mark.parametrize("at", [0, 3, 8, 20, -1])
def test_no_bit_of_the_sealed_cell_can_be_changed(at: int) -> None:
    row, what = sealed_row()
    raw = bytearray(row["_sealed"])
    raw[at] ^= 1
    with pytest.raises(SetupError):
        Opener(ring(), what, no_keys).open([{**row, "_sealed": bytes(raw)}])


def test_another_organization_or_dataset_can_not_open_it() -> None:
    row, what = sealed_row()
    with pytest.raises(SetupError):
        Opener(ring(2), what, no_keys).open([row])
    with pytest.raises(SetupError):
        Opener(ring(), Shape("others", what.types, what.domains, what.bound), no_keys).open([row])


def test_a_data_key_that_lacks_is_named() -> None:
    row, what = sealed_row()
    other = Ring(1, 8, {8: bytes(32)}, bytes(32))
    with pytest.raises(SetupError, match="data key 7 of organization 1 is not in the warehouse"):
        Opener(other, what, no_keys).open([row])


def test_equal_values_of_different_rows_do_not_look_equal() -> None:
    rows = [dict.fromkeys(KINDS) | {"text": "secret"}] * 2
    for what in (shape(bound=("id",)), shape(keyed=False)):
        one, two = Sealer(ring(), what, no_keys).seal(batch(rows)).column("_sealed").to_pylist()
        assert one != two


def test_a_blind_index_is_of_its_domain_and_organization() -> None:
    tokens = {cells.token(ring(), domain, "x") for domain in ("a", "b")}
    other = Ring(2, 1, {}, bytes(31) + b"\x01")
    assert len(tokens | {cells.token(other, "a", "x")}) == 3
    assert cells.token(ring(), "a", "x") in tokens


def test_a_process_beside_seals_large_loads_to_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    random = Random(3)
    rows = [{name: value(random, name) for name in KINDS} for _ in range(300)] + [dict.fromkeys(KINDS)] * 3
    what = shape(domains={"text": "a"}, bound=("id",))
    here = Sealer(ring(), what, no_keys).seal(batch(rows))
    monkeypatch.setattr(cells, "SOME", 0)
    sealer = Sealer(ring(), what, no_keys)
    assert sealer.seal(batch(rows)) == here
    assert sealer.seal(batch(rows[:7])) == Sealer(ring(), what, no_keys).seal(batch(rows[:7]))
    assert here.column("_sealed").null_count >= 3
    assert sealer.beside
    sealer.beside._process.kill()
    with pytest.raises(RetryError, match="The process that encrypts has ended"):
        sealer.seal(batch(rows))
