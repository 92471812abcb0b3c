"""Files of protected folders: sealed with a key of this process that is written nowhere, so they end with it.

A step calls ``protect(folder)`` for a job whose rows are to be encrypted. From then on whoever writes below it asks
here: ``create`` gives the file to write, ``work_parent`` a folder in memory for copies that only a path can be given
of. Whoever reads asks as well, and gets the plain file where it is not sealed: ``opened`` for Python, ``laid_open``
for a reader that wants a path (at most as many bytes as DuckDB may use: a file above that is refused, so what may be
large is written in parts of 64 MB or so, each laid open by itself); ``lake`` has what DuckDB and Parquet need.
``forget`` ends it.

A sealed file is a head (magic, the id of the key, the id of the file) and chunks of AES-256-GCM. The key is one of
the file alone; the nonce is the chunk's number and whether it is the last, so none can be moved, doubled or cut off.
"""

import hashlib
import io
import os
import secrets
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sluice.errors import RetryError, SetupError
from sluice.settings import settings

MEMORY = Path("/dev/shm")  # noqa: S108
CHUNK = 1 << 16  # bytes
TAG = 16
MAGIC = b"sluice-sealed\x01"
KEY_ID, FILE_ID = 8, 16  # bytes
HEAD = len(MAGIC) + KEY_ID + FILE_ID


@dataclass(slots=True)
class Seals:
    """The key of this process, and the folders that it protects."""

    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    folders: set[Path] = field(default_factory=set)

    @property
    def key_id(self) -> bytes:
        """What names the key in a file's head; it tells nothing of it."""
        return hashlib.blake2b(self.key, digest_size=KEY_ID, person=b"sluice-key-id").digest()

    def cipher(self, file_id: bytes) -> AESGCM:
        """That of one file."""
        return AESGCM(hashlib.blake2b(file_id, key=self.key, digest_size=32).digest())


@cache
def seals() -> Seals:
    """Those of this process."""
    return Seals()


def protect(folder: Path) -> None:
    """What is written below the folder from now on is sealed."""
    seals().folders.add(folder)


def forget(folder: Path) -> None:
    """The folder is protected no longer."""
    seals().folders.discard(folder)


def protects(path: Path) -> bool:
    """Whether the path is a protected folder or lies below one."""
    folders = seals().folders
    return bool(folders) and any(parent in folders for parent in (path, *path.parents))


def is_sealed(path: Path) -> bool:
    """Whether the file says of itself that it is sealed; False where there is none."""
    with suppress(OSError), path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC
    return False


def create(path: Path) -> IO[bytes]:
    """The file to write, sealed in a protected folder, else plain."""
    return SealedWriter(path) if protects(path) else path.open("wb")  # type: ignore[return-value]


def opened(path: Path) -> Any:
    """What pyarrow reads the file from: a sealed one's plain bytes, or the path."""
    return SealedReader(path) if is_sealed(path) else path


def reading(path: Path) -> io.RawIOBase:
    """The file to read, a sealed one's plain bytes."""
    return SealedReader(path) if is_sealed(path) else io.FileIO(path)


@contextmanager
def laid_open(path: Path, folder: Path) -> Iterator[Path]:
    """A path of the same name in ``folder`` where the file's plain bytes stand, in memory only.

    The path itself where the file is not sealed. Raises SetupError for a file of more bytes than DuckDB may use.
    """
    if not is_sealed(path):
        yield path
        return
    with SealedReader(path) as source:
        check_room(path, source.size)
        place = folder / f"{secrets.token_hex(4)}.open"
        place.mkdir(parents=True)
        named = place / path.name
        with os.fdopen(os.memfd_create("sluice", os.MFD_CLOEXEC), "wb") as memory:
            try:
                named.symlink_to(f"/proc/{os.getpid()}/fd/{memory.fileno()}")
                while part := source.read(CHUNK * 16):
                    memory.write(part)
                memory.flush()
                yield named
            finally:
                shutil.rmtree(place, ignore_errors=True)


def check_room(path: Path, size: int) -> None:
    """Raise SetupError where ``size`` bytes are more than may be held in memory."""
    limit = settings().memory_limit_mb * 1_000_000
    if size > limit:
        raise SetupError(
            f"{path.name}: {size:,} bytes of a protected input would have to be held in memory, and"
            f" {limit:,} may be.",
            hint="Raise SLUICE_MEMORY_LIMIT_MB, or load the file from a disk of your own, uncompressed and in UTF-8.",
            file=path.name,
        )


def work_parent(folder: Path) -> Path | None:
    """Where a reader's work folder goes: below ``folder``, or where that is protected into memory (tmpfs).

    What processes that were killed have left there is removed. Raises SetupError where the system has no tmpfs.
    """
    if not protects(folder):
        return folder
    if not os.access(MEMORY, os.W_OK):
        raise SetupError(
            f"There is no {MEMORY} here, so a protected input can't be unpacked or mended.",
            hint="Mount a tmpfs there (docker run --tmpfs, or --shm-size).",
        )
    root = MEMORY / f"sluice-{os.getuid()}"
    root.mkdir(mode=0o700, exist_ok=True)
    if root.stat().st_uid != os.getuid():
        raise SetupError(f"{root} belongs to somebody else.", hint="Remove it.")
    for left in root.iterdir():
        if not Path("/proc", left.name).exists():
            shutil.rmtree(left, ignore_errors=True)
    own = root / str(os.getpid())
    own.mkdir(mode=0o700, exist_ok=True)
    return own


class SealedWriter(io.RawIOBase):
    """A sealed file, written from its start to its end; it is whole once it is closed."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._begin()

    def _begin(self) -> None:
        file_id = secrets.token_bytes(FILE_ID)
        self._cipher = seals().cipher(file_id)
        self._file.write(MAGIC + seals().key_id + file_id)
        self._rest = b""
        self._count = self._size = 0

    def writable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Bytes that were written."""
        return self._size

    def seek(self, offset: int, whence: int = 0) -> int:
        """Begin anew: all that was written goes. Raises UnsupportedOperation for any place but the start."""
        if offset or whence:
            raise io.UnsupportedOperation("a sealed file is written from its start")
        self._file.seek(0)
        self._file.truncate()
        self._begin()
        return 0

    def truncate(self, size: int | None = None) -> int:
        """Nothing stands behind what was written."""
        return self._size

    def write(self, data: Any) -> int:
        """Seal all that makes whole chunks; the rest waits."""
        given = memoryview(data).cast("B")
        self._size += len(given)
        joined = self._rest + bytes(given) if self._rest or len(given) <= CHUNK else given
        at = 0
        while len(joined) - at > CHUNK:  # the last is never empty, so it can be marked
            self._seal(joined[at : at + CHUNK], last=False)
            at += CHUNK
        self._rest = bytes(joined[at:])
        return len(given)

    def _seal(self, chunk: Any, *, last: bool) -> None:
        self._file.write(self._cipher.encrypt(nonce(self._count, last), chunk, None))
        self._count += 1

    def close(self) -> None:
        """Seal the last chunk."""
        if not self.closed:
            try:
                self._seal(self._rest, last=True)
            finally:
                self._file.close()
                super().close()


class SealedReader(io.RawIOBase):
    """A sealed file's plain bytes. Each thread has a position of its own: DuckDB seeks and reads in several at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("rb")
        head = self._file.read(HEAD)
        if len(head) < HEAD or head[len(MAGIC) : len(MAGIC) + KEY_ID] != seals().key_id:
            self._file.close()
            raise RetryError(
                f"{path} was sealed by a process that has ended, and its key with it.",
                hint="Run the job again from its start.",
            )
        self._cipher = seals().cipher(head[-FILE_ID:])
        sealed = os.fstat(self._file.fileno()).st_size - HEAD
        self._chunks = max(-(-sealed // (CHUNK + TAG)), 1)
        self.size = max(sealed - TAG * self._chunks, 0)
        self._local = threading.local()

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move this thread's position."""
        base = {0: 0, 1: self.tell(), 2: self.size}[whence]
        self._local.position = base + offset
        return base + offset

    def tell(self) -> int:
        """This thread's position."""
        return getattr(self._local, "position", 0)

    def read(self, size: int | None = -1) -> bytes:
        """Up to ``size`` bytes from this thread's position. Raises SetupError where the file was changed."""
        position = self.tell()
        left = self.size - position
        left = left if size is None or size < 0 else min(size, left)
        parts = []
        while left > 0:
            chunk = self._chunk(position // CHUNK)
            part = chunk[position % CHUNK :][:left]
            parts.append(part)
            position += len(part)
            left -= len(part)
        self._local.position = position
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def readinto(self, buffer: Any) -> int:
        """As ``read``, into the buffer."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _chunk(self, number: int) -> bytes:
        known: tuple[int, bytes] = getattr(self._local, "chunk", (-1, b""))
        if known[0] != number:
            sealed = os.pread(self._file.fileno(), CHUNK + TAG, HEAD + number * (CHUNK + TAG))
            try:
                plain = self._cipher.decrypt(nonce(number, number == self._chunks - 1), sealed, None)
            except InvalidTag:
                raise SetupError(
                    f"{self._path} was changed or cut off after it was sealed.",
                    hint="Nobody but Sluice may write there; run the job again.",
                ) from None
            known = self._local.chunk = (number, plain)
        return known[1]

    def close(self) -> None:
        """Close it."""
        self._file.close()
        super().close()


def nonce(number: int, last: bool) -> bytes:
    """That of a chunk; each is used once, for the key is one file's."""
    return bytes((last,)) + number.to_bytes(11, "big")
