"""Undoes what a table is wrapped in (gzip, zstd, bzip2, xz, zip), within limits, into a copy of our own naming."""

import bz2
import errno
import gzip
import lzma
import shutil
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from sluice import deadline
from sluice.errors import ReadError, SetupError
from sluice.readers.bytes import head, naming
from sluice.readers.packed.archives import ZIP, BadZipFile, choose, is_zip_of_tables, open_archive
from sluice.settings import settings

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

DEEPEST = 2
RATIO_COUNTS_FROM = 100_000_000  # bytes; less can't hurt, and small texts may shrink to next to nothing
_CHUNK = 1 << 20
_XZ_MEMORY = 256 << 20
_BZIP2 = (b"BZh", (b"1AY&SY", b"\x17rE8P\x90"))
_UNREADABLE = (
    *(EOFError, OSError, ValueError, RuntimeError, NotImplementedError),
    *(zlib.error, lzma.LZMAError, zstd.ZstdError, BadZipFile),
)
_OTHERS = {
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"MSCF\0\0\0\0": "a cabinet archive",
    b"\x1f\x9d": "packed by `compress`",
    b"\x1f\xa0": "packed by `compress`",
    b"\x04\x22\x4d\x18": "packed by lz4",
    b"\xff\x06\0\0sNaPpY": "packed by snappy",
    b"LZIP\x01": "packed by lzip",
}


@dataclass(slots=True)
class Unpacked:
    """The table's own file, and how it was wrapped: ``wrappers`` from the outside in; ``member`` of a zip archive;
    ``left_out``: what else was in it.
    """

    path: Path
    wrappers: list[str] = field(default_factory=list)
    member: str = ""
    left_out: list[str] = field(default_factory=list)


def unpack(path: Path, folder: Path, member: str = "") -> Unpacked:
    """The file itself if it is not wrapped, else a copy in ``folder``. ``member``: which file of a zip archive.

    Raises ReadError for what is damaged, encrypted, too large, wrapped too often or holds not exactly one table.
    """
    found = Unpacked(path)
    packed = path.stat().st_size
    while wrapper := _wrapper(found.path, path):
        if len(found.wrappers) == DEEPEST:
            raise ReadError(
                f"{path} is packed more than twice ({' in '.join([wrapper, *reversed(found.wrappers)])}).",
                hint="Unpack it once.",
                file=path,
            )
        target = folder / f"unpacked-{len(found.wrappers) + 1}"
        if wrapper == "zip":
            packed = _unzip(path, found, member, target, packed)
        else:
            _copy(path, wrapper, _PARTS[wrapper](found.path), target, _Limit(path, packed))
        if found.path != path:
            found.path.unlink()
        found.path = target
        found.wrappers.append(wrapper)
    if member and "zip" not in found.wrappers:
        raise SetupError(
            f"{path} is no zip archive.", hint="Leave out the source option 'member'.", file=path
        )
    return found


def _wrapper(path: Path, shown: Path) -> str:
    with naming(path, shown):
        return wrapper_of(path)


def wrapper_of(path: Path) -> str:
    """How the file is wrapped, '' if it is not. Raises ReadError for archives that are not read."""
    start = head(path, 1024)
    if start.startswith(b"\x1f\x8b\x08"):
        return "gzip"
    if start.startswith(b"\x28\xb5\x2f\xfd") or (start[0] & 0xF0 == 0x50 and start[1:4] == b"\x2a\x4d\x18"):
        return "zstd"
    if start.startswith(_BZIP2[0]) and start[4:10] in _BZIP2[1]:
        return "bzip2"
    if start.startswith(b"\xfd7zXZ\0"):
        return "xz"
    for magic, name in _OTHERS.items():
        if start.startswith(magic):
            raise ReadError(
                f"{path} is {name}.", hint="Unpack it, or pack the table by gzip or zip.", file=path
            )
    if _is_tar(start):
        raise ReadError(f"{path} is a tar archive.", hint="Unpack it, and name a file in it.", file=path)
    return "zip" if start.startswith(ZIP) and is_zip_of_tables(path, start) else ""


def _is_tar(start: bytes) -> bool:
    """By its name in the header, or (before 1988) the header's checksum."""
    if start[257:262] == b"ustar":
        return True
    noted = start[148:156].strip(b" \0")
    if len(start) < 512 or not noted or noted.strip(b"01234567"):
        return False
    return int(noted, 8) == sum(start[:148]) + 8 * 32 + sum(start[156:512])


class _Limit:
    """Stops an unpacking that brings too much, before it fills the disk."""

    def __init__(self, path: Path, packed: int) -> None:
        self._path = path
        self._packed = packed
        self._largest = settings().unpacked_limit_gb * 1_000_000_000
        self._ratio = settings().unpacked_ratio

    def check(self, size: int) -> None:
        """``size``: bytes so far, or as announced."""
        if self._largest and size > self._largest:
            self._refuse(f"more than {self._largest // 1_000_000_000} GB", "SLUICE_UNPACKED_LIMIT_GB")
        if self._ratio and size > max(RATIO_COUNTS_FROM, self._ratio * self._packed):
            self._refuse(f"more than {self._ratio} times its size", "SLUICE_UNPACKED_RATIO")

    def _refuse(self, what: str, setting: str) -> None:
        raise ReadError(
            f"{self._path} unpacks to {what}, as a zip bomb does.",
            hint=f"If it is genuine, unpack it yourself, or raise {setting}.",
            file=self._path,
        )


def _unzip(path: Path, found: Unpacked, member: str, target: Path, packed: int) -> int:
    """Unpack one file of the archive; returns its packed size."""
    with open_archive(found.path, shown=path) as archive:
        info, left_out = choose(archive, "" if found.member else member, path)
        limit = _Limit(path, min(packed, info.compress_size))
        limit.check(info.file_size)
        try:
            member_file = archive.open(info)
        except _UNREADABLE as error:
            raise _damaged(path, "zip", error) from error
        _copy(path, "zip", _pieces(member_file), target, limit)
    found.member = "/".join(filter(None, (found.member, info.filename)))
    found.left_out += left_out
    return min(packed, info.compress_size)


def _copy(path: Path, wrapper: str, parts: Iterator[bytes], target: Path, limit: _Limit) -> None:
    size = 0
    with target.open("wb") as out:
        while chunk := _next(parts, path, wrapper):
            deadline.check()
            size += len(chunk)
            limit.check(size)
            _write(out, chunk, target)


def _next(source: Iterator[bytes], path: Path, wrapper: str) -> bytes:
    try:
        return next(source, b"")
    except _UNREADABLE as error:
        raise _damaged(path, wrapper, error) from error


def _damaged(path: Path, wrapper: str, error: Exception) -> ReadError:
    if isinstance(error, NotImplementedError):
        text, hint = (
            f"is packed in a way that is not read ({error})",
            "Pack it again as an ordinary zip or gzip.",
        )
    elif isinstance(error, EOFError):
        text, hint = f"is a {wrapper} file that ends too early", "Fetch or copy it again."
    elif "memory" in str(error).lower():
        text, hint = (
            f"is a {wrapper} file that needs too much memory to unpack",
            "Pack it with a smaller window.",
        )
    else:
        text, hint = f"is a damaged {wrapper} file: {str(error).rstrip('.')}", "Fetch or copy it again."
    return ReadError(f"{path} {text}.", hint=hint, file=path)


def _write(out: IO[bytes], chunk: bytes, target: Path) -> None:
    try:
        out.write(chunk)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        free = shutil.disk_usage(target.parent).free
        raise SetupError(
            f"The disk is full at {target.parent} ({free:,} bytes are free).",
            hint="Free some space, or set TMPDIR or SLUICE_HOME to a larger disk.",
            folder=str(target.parent),
        ) from error


def _pieces(file: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _streams(path: Path, new: Callable[[], Any]) -> Iterator[bytes]:
    """What one or several streams in a row hold; zeros may follow (padding), nothing else."""
    with path.open("rb") as file:
        decompressor, rest = new(), b""
        while rest := rest or file.read(_CHUNK):
            if decompressor.eof:
                rest = rest.lstrip(b"\0")
                decompressor = new() if rest else decompressor
                continue
            if chunk := decompressor.decompress(rest, _CHUNK):
                yield chunk
            rest = b""
            while not decompressor.eof and not decompressor.needs_input:
                if chunk := decompressor.decompress(b"", _CHUNK):
                    yield chunk
            rest = decompressor.unused_data if decompressor.eof else b""
        if not decompressor.eof:
            raise EOFError


_PARTS: dict[str, Callable[[Path], Iterator[bytes]]] = {
    "gzip": lambda path: _pieces(gzip.GzipFile(path)),
    "zstd": lambda path: _streams(path, zstd.ZstdDecompressor),
    "bzip2": lambda path: _streams(path, bz2.BZ2Decompressor),
    "xz": lambda path: _streams(path, lambda: lzma.LZMADecompressor(memlimit=_XZ_MEMORY)),
}
