"""A process that seals the cells of large loads beside the one that reads: each of the library's calls lets go of the
interpreter's lock, and to get it back among the threads of a load takes longer than to encrypt.

It is told what to do through its standard input, the key included, and ends with it. A frame is four lengths (head,
key, data that is authenticated along, contents), the bytes of the first three, the lengths of the contents and their
bytes. It answers with the sealed contents, one after another, but for empty ones.
"""

import struct
import subprocess
import sys
import weakref
from array import array
from contextlib import suppress
from typing import IO

import numpy as np
import pyarrow as pa

from sluice import deadline
from sluice.errors import RetryError
from sluice.security.lock import NONCE, TAG, lock

LENGTHS = struct.Struct("<IIII")


class Beside:
    """The process, from its first batch on."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sluice.security.beside"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        deadline.at_end(self._process.kill)
        self._end = weakref.finalize(self, _ended, self._process)

    def seal(self, head: bytes, key: bytes, aad: bytes, contents: pa.BinaryArray) -> pa.BinaryArray:
        """The contents sealed, in order; an empty one stays empty. Raises RetryError where the process is gone."""
        offsets = np.frombuffer(contents.buffers()[1], np.int32)[contents.offset :][: len(contents) + 1]
        data = contents.buffers()[2]
        lengths = np.diff(offsets).astype(np.uint32)
        sealed = np.where(lengths == 0, 0, lengths + len(head) + NONCE + TAG)
        ends = np.concatenate([[0], np.cumsum(sealed)]).astype(np.int32)
        try:
            assert self._process.stdin
            assert self._process.stdout
            self._process.stdin.write(LENGTHS.pack(len(head), len(key), len(aad), len(contents)))
            self._process.stdin.write(head + key + aad + lengths.tobytes())
            self._process.stdin.write(memoryview(data)[offsets[0] : offsets[-1]] if data else b"")
            self._process.stdin.flush()
            found = self._process.stdout.read(int(ends[-1]))
        except OSError:
            found = b""
        deadline.check()
        if len(found) < ends[-1]:
            raise RetryError("The process that encrypts has ended.", hint="Try again; memory may be short.")
        return pa.Array.from_buffers(
            pa.binary(), len(contents), [None, pa.py_buffer(ends), pa.py_buffer(found)]
        )


def _ended(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            with suppress(OSError):  # what it was not sent any more
                pipe.close()
    process.wait()


def work(source: IO[bytes], target: IO[bytes]) -> None:
    """Answer each frame, until there is none."""
    while begin := source.read(LENGTHS.size):
        *sizes, count = LENGTHS.unpack(begin)
        head, key, aad = (source.read(size) for size in sizes)
        lengths = array("I")
        lengths.frombytes(source.read(4 * count))
        contents = source.read(sum(lengths))
        seal = lock(head, key, aad, keyed=True)
        at, found = 0, []
        for length in lengths:
            if length:
                found.append(seal(contents[at : at + length]))
                at += length
        target.write(b"".join(found))
        target.flush()


if __name__ == "__main__":
    work(sys.stdin.buffer, sys.stdout.buffer)
