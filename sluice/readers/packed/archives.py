"""Zip archives: what is in them, checked before anything of it is unpacked, and which member is the table."""

import stat
import struct
import sys
from pathlib import Path, PurePosixPath

from sluice.errors import ReadError, SetupError
from sluice.settings import settings

if sys.version_info >= (3, 14):
    import zipfile
else:
    from backports.zstd import zipfile

BadZipFile = zipfile.BadZipFile
ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_ENTRY = 512  # bytes of a list's entry, generously
_OFFICE = (
    "[Content_Types].xml",
    "_rels/",
    "docProps/",
    "mimetype",
    "xl/",
    "word/",
    "ppt/",
    "META-INF/manifest.xml",
)
_NO_TABLES = (
    *(
        ".doc",
        ".docx",
        ".htm",
        ".html",
        ".md",
        ".pdf",
        ".ppt",
        ".pptx",
        ".rst",
        ".rtf",
        ".xml",
        ".xsd",
        ".xsl",
    ),
    *(".bmp", ".css", ".gif", ".ico", ".jpeg", ".jpg", ".js", ".png", ".svg", ".tif", ".tiff"),
)
_NOTES = ("readme", "license", "licence", "copying", "changelog", "about", "terms")
_SHOWN = 20


def is_zip_of_tables(path: Path, start: bytes) -> bool:
    """Whether the archive holds files of its own and is not itself a workbook (or another document of an office)."""
    try:
        with open_archive(path, shown=path) as archive:
            names = archive.namelist()
    except ReadError as error:
        if not error.facts.get("damaged"):
            raise
        names = [_first_name(start)]
        if not names[0].startswith(_OFFICE):
            raise
    return not any(name in ("[Content_Types].xml", "mimetype") or name.startswith("xl/") for name in names)


def _first_name(start: bytes) -> str:
    if len(start) < 30 or not start.startswith(ZIP[0]):
        return _OFFICE[0]
    return start[30 : 30 + int.from_bytes(start[26:28], "little")].decode("utf-8", "replace") or _OFFICE[0]


def open_archive(path: Path, shown: Path) -> zipfile.ZipFile:
    """The archive, its list of members checked. Raises ReadError; ``damaged`` in its facts where that is the cause.

    ``shown``: the file that errors name.
    """
    most = settings().zip_members
    damaged = "Fetch or copy it again."
    try:
        if most and _list_size(path) > most * _ENTRY:
            raise _crowded(shown, most)
        archive = zipfile.ZipFile(path)
    except (BadZipFile, NotImplementedError, ValueError, OSError, struct.error) as error:
        raise ReadError(
            f"{shown} is a zip archive that is cut off or damaged: {str(error).rstrip('.')}.",
            hint=damaged,
            file=shown,
            damaged=True,
        ) from error
    if most and len(archive.filelist) > most:
        archive.close()
        raise _crowded(shown, most)
    if _overlaps(archive, path.stat().st_size):
        archive.close()
        raise ReadError(f"{shown} is damaged, or a zip bomb: its members overlap.", hint=damaged, file=shown)
    return archive


def _crowded(path: Path, most: int) -> ReadError:
    return ReadError(
        f"{path} holds more than {most:,} members.",
        hint="Unpack what you need, or raise SLUICE_ZIP_MEMBERS.",
        file=path,
    )


def _list_size(path: Path) -> int:
    """Bytes that the list of members takes, as the archive's end says; 0 if that is not found."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - 65_557))
        tail = file.read()
        end = tail.rfind(ZIP[1])
        if end < 0 or len(tail) < end + 22:
            return 0
        (listed,) = struct.unpack_from("<L", tail, end + 12)
        if end >= 20 and tail[end - 20 : end - 16] == b"PK\x06\x07":
            file.seek(struct.unpack_from("<Q", tail, end - 12)[0])
            large = file.read(56)
            listed = max(listed if listed != 0xFFFFFFFF else 0, *struct.unpack("<Q", large[40:48]))
    return int(listed)


def _overlaps(archive: zipfile.ZipFile, size: int) -> bool:
    end = 0
    for info in sorted(archive.filelist, key=lambda info: info.header_offset):
        if info.header_offset < end:
            return True
        end = info.header_offset + 30 + len(info.filename) + info.compress_size
    return end > size


def choose(archive: zipfile.ZipFile, wanted: str, path: Path) -> tuple[zipfile.ZipInfo, list[str]]:
    """The member that is the table, and the names of the other ones that a person would have to know of.

    Raises SetupError if there is none of the wanted name, ReadError if there is none or not only one.
    """
    files = [info for info in archive.filelist if not _is_clutter(info)]
    if not files:
        raise ReadError(
            f"{path} is a zip archive without a file.", hint="Folders and links do not count.", file=path
        )
    names = [info.filename for info in files]
    likely = [info for info in files if not _is_note(info)] or files
    if wanted:
        found = [info for info in files if info.filename == wanted]
        found = found or [info for info in files if PurePosixPath(info.filename).name == wanted]
        if not found:
            raise SetupError(
                f"{path} has no member '{wanted}'.", hint=f"It holds {_listed(names)}.", file=path
            )
        likely = found
    if len(likely) > 1:
        raise ReadError(
            f"{path} holds {len(likely)} files: {_listed([info.filename for info in likely])}.",
            hint="Name one: --source-option member=NAME.",
            file=path,
        )
    (chosen,) = likely
    if chosen.flag_bits & 1:
        raise ReadError(f"{path} is encrypted.", hint="Pack it without a password.", file=path)
    return chosen, [] if wanted else [name for name in names if name != chosen.filename]


def _is_clutter(info: zipfile.ZipInfo) -> bool:
    """Folders, links (their text would be a path) and what systems put beside the files of people."""
    name = PurePosixPath(info.filename).name
    return (
        info.is_dir()
        or stat.S_ISLNK(info.external_attr >> 16)
        or info.filename.startswith("__MACOSX/")
        or name.startswith("._")
        or name in (".DS_Store", "Thumbs.db", "desktop.ini")
    )


def _is_note(info: zipfile.ZipInfo) -> bool:
    """What lies beside a table for people, by its name: nobody opens it to see the table."""
    name = PurePosixPath(info.filename)
    return name.suffix.lower() in _NO_TABLES or name.name.lower().startswith(_NOTES) or not info.file_size


def _listed(names: list[str]) -> str:
    more = f", and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(name.encode("utf-8", "replace").decode() for name in names[:_SHOWN]) + more
