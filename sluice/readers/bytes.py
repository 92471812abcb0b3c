"""From a path to local UTF-8 text: wrappers undone, encoding found, errors that say what to do."""

import codecs
import gzip
import zlib
from pathlib import Path

from charset_normalizer import from_bytes

from sluice.errors import ReadError, SetupError, SourceError

_CHUNK = 1 << 20
_SAMPLE = 1 << 18
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_TEXT_CONTROLS = frozenset(b"\t\n\r\x0b\x0c\x08\x1a\x1b\x1c\x1d\x1e\x1f")
_BINARY_CONTROLS = bytes(c for c in range(32) if c not in _TEXT_CONTROLS)


def head(path: Path, size: int = _SAMPLE) -> bytes:
    """The file's first bytes. Raises SourceError if it is missing, a folder, unreadable or empty."""
    if path.is_dir():
        raise SourceError(
            f"{path} is a folder.", hint="Name a file in it, or a pattern such as '*.csv'.", file=path
        )
    try:
        with path.open("rb") as file:
            found = file.read(size)
    except FileNotFoundError as error:
        raise SourceError(f"{path} does not exist.", hint="Check the path.", file=path) from error
    except PermissionError as error:
        raise SourceError(f"{path} may not be read.", hint="Check its permissions.", file=path) from error
    except OSError as error:
        raise SourceError.of(error, hint="Check the path and the disk.", file=path) from error
    if not found:
        raise ReadError(f"{path} is empty.", hint="Nothing was loaded; check where it was made.", file=path)
    return found


def gunzip(path: Path, folder: Path) -> Path:
    """The decompressed file in ``folder``. Raises ReadError if the archive is cut off or damaged."""
    target = folder / "unpacked"
    try:
        with gzip.open(path, "rb") as source, target.open("wb") as out:
            while chunk := source.read(_CHUNK):
                out.write(chunk)
    except EOFError as error:
        raise ReadError(
            f"{path} is a gzip file that ends too early.", hint="Fetch or copy it again.", file=path
        ) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ReadError(
            f"{path} is a damaged gzip file: {error}.", hint="Fetch it again.", file=path
        ) from error
    return target


def find_encoding(path: Path, wanted: str = "") -> str:
    """A Python codec name for the file: ``wanted`` if given, else by BOM, by trial and by statistics.

    Raises SetupError for an unknown name, ReadError for binary data.
    """
    if wanted:
        try:
            return codecs.lookup(wanted).name
        except LookupError as error:
            raise SetupError(
                f"There is no encoding '{wanted}'.", hint="Use a name such as utf-8, cp1252 or utf-16."
            ) from error
    sample = _samples(path)
    for bom, name in _BOMS:
        if sample.startswith(bom):
            return name
    if b"\0" in sample and (wide := _without_bom(sample)):
        return wide
    utf8 = _is_utf8(sample)
    controls = len(sample) - len(sample.translate(None, _BINARY_CONTROLS))
    if controls > max(8, len(sample) * 0.02) and (b"\0" in sample or not utf8):
        raise ReadError(
            f"{path} is not a table but binary data.", hint="Export it as CSV, JSON or xlsx.", file=path
        )
    return "utf-8" if utf8 else single_byte(sample)


def _samples(path: Path) -> bytes:
    """Head, middle and tail of the file."""
    size = path.stat().st_size
    with path.open("rb") as file:
        found = file.read(_SAMPLE)
        for offset in (size // 2, size - _SAMPLE):
            if offset > len(found):
                file.seek(offset)
                file.readline(_SAMPLE)
                found += file.read(_SAMPLE // 4 if offset == size // 2 else _SAMPLE).rpartition(b"\n")[0]
    return found


def _without_bom(sample: bytes) -> str:
    """UTF-16/32 without a BOM: mostly Latin text has NULs at the same places."""
    quarter = len(sample) // 4 or 1
    empty = [sample[i::4].count(0) / quarter for i in range(4)]
    match [share > 0.4 for share in empty]:
        case [False, True, True, True]:
            return "utf-32-le"
        case [True, True, True, False]:
            return "utf-32-be"
        case [False, True, False, True]:
            return "utf-16-le"
        case [True, False, True, False]:
            return "utf-16-be"
    return ""


def _is_utf8(sample: bytes) -> bool:
    """Mostly: some broken bytes in an otherwise UTF-8 text stay a matter of single records."""
    text = sample.decode("utf-8", "surrogateescape")
    bad = 0 if text.isascii() else sum("\udc80" <= c <= "\udcff" for c in text)
    return not bad or sum(c > "\x7f" for c in text) - bad >= bad


def single_byte(sample: bytes) -> str:
    """The likeliest encoding of bytes that are not UTF-8; cp1252 where it could be or little speaks for another."""
    lines = b"\n".join(line for line in sample.splitlines() if not line.isascii())[:_SAMPLE]
    strange = sum(byte > 127 for byte in lines)
    letters = sum(byte > 127 or chr(byte).isalpha() for byte in lines)
    if strange < 32 and strange < letters / 4:
        return _western(lines)
    matches = from_bytes(lines)
    best = matches.best()
    if best is None or {"cp1252", "latin_1"} & {best.encoding, *best.could_be_from_charset}:
        return _western(lines)
    return best.encoding


def _western(sample: bytes) -> str:
    try:
        sample.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"


def to_utf8(path: Path, encoding: str, folder: Path) -> Path:
    """A UTF-8 copy in ``folder``. Text that cannot be decoded becomes invalid UTF-8, so that the reader meets
    it as broken records and not as other text.
    """
    target = folder / "utf8"
    wide = encoding.replace("_", "-").startswith(("utf-16", "utf-32"))
    decoder = codecs.getincrementaldecoder(encoding)("surrogatepass" if wide else "surrogateescape")
    errors = "surrogatepass" if wide else "surrogateescape"
    with path.open("rb") as source, target.open("wb") as out:
        while chunk := source.read(_CHUNK):
            out.write(decoder.decode(chunk).encode("utf-8", errors))
        try:
            out.write(decoder.decode(b"", final=True).encode("utf-8", errors))
        except UnicodeDecodeError:
            out.write(b"\xff")
    return target


def holds(path: Path, needle: bytes) -> bool:
    """Whether the bytes occur anywhere in the file (needles of one byte only, so that chunks do not matter)."""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if needle in chunk:
                return True
    return False


def other_encoding(path: Path) -> str:
    """For a file that begins as ASCII and is not UTF-8: its encoding if no line has valid UTF-8 beyond ASCII,
    else ''.
    """
    strange = bytearray()
    with path.open("rb") as file:
        while lines := file.readlines(_CHUNK):
            if b"".join(lines).isascii():
                continue
            for line in lines:
                if line.isascii():
                    continue
                if _decodes(line):
                    return ""
                if len(strange) < _SAMPLE:
                    strange += line
    return single_byte(bytes(strange)) if strange else ""


def _decodes(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
