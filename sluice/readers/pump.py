"""Each sink in a thread of its own behind a short queue, so that writing overlaps with reading."""

import contextlib
import queue
import threading
from collections.abc import Sequence
from contextvars import copy_context
from pathlib import Path

import pyarrow as pa

from sluice.readers.base import Sink
from sluice.security import lake

_QUEUED_BATCHES = 2


class ParquetSink:
    """Writes ``rows.parquet``."""

    def __init__(self, path: Path, dictionary: Sequence[str] = ()) -> None:
        self._path = path
        self._dictionary = list(dictionary)
        self._writer: lake.ParquetWriter | None = None

    def start(self, schema: pa.Schema) -> None:
        self._writer = lake.ParquetWriter(
            self._path,
            schema,
            compression="none",  # halves what writing costs; the file goes when it is loaded
            use_dictionary=self._dictionary,
            write_statistics=False,
        )

    def write(self, batch: pa.RecordBatch) -> None:
        if self._writer:
            self._writer.write_batch(batch)

    def finish(self) -> None:
        if self._writer:
            self._writer.close()
        self._writer = None

    def abort(self) -> None:
        with contextlib.suppress(OSError):
            self.finish()
        self._path.unlink(missing_ok=True)


class Pump:
    """Runs one sink. All its methods are called in one thread; what it raises comes out of ``put`` or ``finish``."""

    def __init__(self, sink: Sink, schema: pa.Schema) -> None:
        self._sink = sink
        self._schema = schema
        self._queue: queue.Queue[pa.RecordBatch | None] = queue.Queue(_QUEUED_BATCHES)
        self._error: BaseException | None = None
        self._aborted = False
        self._all_written = threading.Event()
        self._may_finish = threading.Event()
        # What the sink opens ends at the deadline of the step that reads, which a new thread would not know.
        work, name = copy_context().run, f"sink-{type(sink).__name__}"
        self._thread = threading.Thread(target=work, args=(self._run,), name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._sink.start(self._schema)
            while (batch := self._queue.get()) is not None:
                if not self._aborted:
                    self._sink.write(batch)
        except BaseException as error:
            self._error = error
            self._all_written.set()
            while self._queue.get() is not None:
                pass
        self._all_written.set()
        self._may_finish.wait()
        self._end()

    def _end(self) -> None:
        try:
            if not self._aborted and not self._error:
                return self._sink.finish()
        except BaseException as error:
            self._error = error
        try:
            self._sink.abort()
        except BaseException as error:
            self._error = self._error or error

    def put(self, batch: pa.RecordBatch) -> None:
        """Hand a batch over; waits while the sink is behind."""
        self.check()
        if batch.num_rows:
            self._queue.put(batch)

    def check(self) -> None:
        """Raise what the sink raised."""
        if self._error:
            raise self._error

    def written(self) -> None:
        """Wait until every batch is written."""
        self._queue.put(None)
        self._all_written.wait()
        self.check()

    def finish(self) -> None:
        """Let the sink finish, and wait for it."""
        self._may_finish.set()
        self._thread.join()
        self.check()

    def abort(self) -> None:
        """Drop what is queued and let the sink abort, unless it has finished. Raises nothing."""
        self._aborted = True
        self._queue.put(None)
        self._may_finish.set()
        self._thread.join()
