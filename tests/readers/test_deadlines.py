"""Reading ends with the step's time, in DuckDB and between batches, and nothing of it stays."""

import threading
import time
from pathlib import Path

import pytest

from sluice.deadline import deadline, remaining
from sluice.errors import RetryError
from sluice.readers import stage

from .conftest import contract


class Waiting:
    """A sink that tells how it ended, and takes its time for each batch."""

    def __init__(self, seconds=0.0):
        self.calls = []
        self._pause = threading.Event()
        self._seconds = seconds

    def start(self, schema):
        self.calls.append("start")

    def write(self, batch):
        self._pause.wait(self._seconds)

    def finish(self):
        self.calls.append("finish")

    def abort(self):
        self.calls.append("abort")


def test_reading_is_stopped_between_batches_and_its_sinks_abort(write, load, tmp_path):
    path = write("a,b\n" + "".join(f"{n},x\n" for n in range(1_000_000)))
    sink = Waiting(0.1)
    began = time.monotonic()
    with pytest.raises(RetryError, match="'convert format' was stopped"), deadline("convert format", 1):
        load(path, contract("a", "b"), [sink])
    assert 1 <= time.monotonic() - began < 3
    assert sink.calls == ["start", "abort"]
    assert list((tmp_path / "stage").glob("rows.parquet")) == []


class Endless:
    """A table whose first record DuckDB seeks for hours."""

    format, details, header, record_size = "endless", {}, ("a",), 0
    path = Path("endless")

    def expect(self, known):
        pass

    def relation(self, connection):
        numbers = "range(1000000000)"
        return (
            f"(SELECT a.range::VARCHAR AS c0 FROM {numbers} a, {numbers} b WHERE hash(a.range + b.range) = 1)"
        )

    def repair(self, error):
        return False


def test_a_query_that_finds_nothing_for_long_is_interrupted(tmp_path):
    began = time.monotonic()
    with pytest.raises(RetryError, match="'convert format' was stopped"), deadline("convert format", 0.5):
        stage(Endless(), contract("a"), tmp_path, load_id=1, organization_id=1)
    assert 0.5 <= time.monotonic() - began < 3


def test_a_sink_knows_the_deadline_in_its_thread(write, load):
    left = []

    class Asking(Waiting):
        def start(self, schema):
            left.append(remaining())

    with deadline("convert format", 100):
        load(write("a,b\n1,x\n"), contract("a", "b"), [Asking()])
    assert left[0] is not None
