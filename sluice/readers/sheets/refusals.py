"""What is no workbook that can be read, said before anything is unpacked."""

import zipfile
import zlib
from pathlib import Path

from sluice.errors import ReadError

_EXPANDED = 1_000_000_000
_RATIO = 200
_MANIFEST = 1_000_000  # bytes
_MOST_RATIO = 1032  # what deflate can reach
_DAMAGED = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError)
_OLE = b"\xd0\xcf\x11\xe0"
_KINDS = {
    "word/": "a Word document",
    "ppt/": "a PowerPoint presentation",
    "META-INF/MANIFEST.MF": "a Java archive",
}


def check(path: Path) -> None:
    """Say what else it is, before anything is unpacked. Raises ReadError."""
    with path.open("rb") as file:
        start = file.read(4)
    if start == _OLE:
        return _check_ole(path)
    if not zipfile.is_zipfile(path):
        return None
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            secret = "content.xml" in archive.NameToInfo and _encrypted(archive)
    except _DAMAGED:
        return None  # calamine says more
    if secret or any(part.flag_bits & 1 for part in parts):
        raise protected(path)
    names = {part.filename for part in parts}
    if "xl/workbook.xml" not in names and "xl/workbook.bin" not in names and "content.xml" not in names:
        kind = next((what for name, what in _KINDS.items() if any(n.startswith(name) for n in names)), "")
        if kind or "[Content_Types].xml" not in names:
            raise ReadError(
                f"{path} is {kind or 'a zip archive without a workbook'}.",
                hint="Export the table as CSV or xlsx.",
                file=path,
            )
    size = sum(part.file_size for part in parts)
    if size > _EXPANDED and size > _RATIO * path.stat().st_size:
        raise ReadError(
            f"{path} would unpack to {size // 1_000_000:,} MB, over {_RATIO} times its size.",
            hint="It may be made to exhaust memory. If it is real, save it as CSV.",
            file=path,
        )
    return None


def _encrypted(archive: zipfile.ZipFile) -> bool:
    """Whether an OpenDocument says that its content is."""
    if (name := "META-INF/manifest.xml") not in archive.NameToInfo:
        return False
    with archive.open(name) as file:
        return b"encryption-data" in file.read(_MANIFEST)


def _check_ole(path: Path) -> None:
    """The directory of an OLE file lies anywhere in it, its names are UTF-16."""
    with path.open("rb") as file:
        size = min(path.stat().st_size, 64_000_000)  # Python makes room for all that is asked
        content = file.read(size)
    for name, what in (
        ("EncryptedPackage", "password"),
        ("WordDocument", "a Word document"),
        ("PowerPoint Document", "a PowerPoint presentation"),
        ("__substg1.0_", "an Outlook message"),
    ):
        if name.encode("utf-16-le") in content and "Workbook".encode("utf-16-le") not in content:
            if what == "password":
                raise protected(path)
            raise ReadError(f"{path} is {what}.", hint="Export the table as CSV or xlsx.", file=path)


def unpacked_size(path: Path) -> int:
    """Bytes, as far as the file can really hold them."""
    packed = path.stat().st_size
    try:
        with zipfile.ZipFile(path) as archive:
            return min(sum(part.file_size for part in archive.infolist()), packed * _MOST_RATIO)
    except _DAMAGED:
        return packed


def protected(path: Path) -> ReadError:
    """The error that says so."""
    return ReadError(f"{path} is protected by a password.", hint="Save it without one.", file=path)
