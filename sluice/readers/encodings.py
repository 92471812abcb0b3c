"""Which encoding a text is in: by its first bytes, by trial, by statistics; and a UTF-8 copy of it."""

import codecs
import re
import unicodedata
from pathlib import Path
from typing import NamedTuple

from sluice.errors import ReadError, SetupError
from sluice.readers.bytes import CHUNK, SAMPLE, head
from sluice.readers.likeliest import likeliest

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ESCAPED = ("iso2022_jp", "iso2022_jp_2", "iso2022_jp_ext", "iso2022_kr")
_TEXT_CONTROLS = frozenset(b"\t\n\r\x0b\x0c\x08\x1a\x1b\x1c\x1d\x1e\x1f")
_BINARY_CONTROLS = bytes(c for c in range(32) if c not in _TEXT_CONTROLS)
_WIDE_SAMPLE = 1 << 16


def find_encoding(path: Path, wanted: str = "") -> str:
    """A Python codec name for the file: ``wanted`` if given, else by BOM, by trial and by statistics.

    Raises SetupError for an unknown name, ReadError for binary data.
    """
    if wanted:
        return _wanted(wanted, head(path, _WIDE_SAMPLE))
    start, sample = head(path), _samples(path)
    for bom, name in _BOMS:
        if start.startswith(bom):
            return name
    if not start.strip(b"\0"):
        raise ReadError(
            f"{path} holds only NUL bytes.", hint="It was not written to its end; fetch it again.", file=path
        )
    if b"\0" in start and (wide := _wide(start[:_WIDE_SAMPLE])):
        return wide
    utf8 = _is_utf8(sample)
    controls = len(sample) - len(sample.translate(None, _BINARY_CONTROLS))
    if controls > max(8, len(sample) * 0.02) and (b"\0" in sample or not utf8):
        raise _no_text(path, sample)
    if utf8:
        return _escaped(sample) or "utf-8"
    if _is_ebcdic(sample):
        raise _no_text(path, sample)
    return likeliest(sample)


def _wanted(wanted: str, start: bytes) -> str:
    """The codec of that name, with the order of bytes where no BOM tells it."""
    try:
        name = codecs.lookup(wanted).name
        b"\xff".decode(name, "sluice.broken")
    except (LookupError, UnicodeError) as error:
        raise SetupError(
            f"There is no encoding '{wanted}'.", hint="Use a name such as utf-8, cp1252 or utf-16."
        ) from error
    if name not in ("utf-16", "utf-32") or any(start.startswith(b) for b, of in _BOMS if of == name):
        return name
    found = _wide(start)
    return found if found.startswith(name) else f"{name}-le"


def _no_text(path: Path, sample: bytes) -> ReadError:
    if _is_ebcdic(sample):
        return ReadError(
            f"{path} is EBCDIC text, as mainframes write it.",
            hint="Convert it first: iconv -f IBM037 -t UTF-8 FILE.",
            file=path,
        )
    return ReadError(
        f"{path} is not a table but binary data.", hint="Export it as CSV, JSON or xlsx.", file=path
    )


def _samples(path: Path) -> bytes:
    """Head, middle and tail of the file."""
    size = path.stat().st_size
    with path.open("rb") as file:
        found = file.read(SAMPLE)
        if len(found) < size:
            found = found[: found.rfind(b"\n") + 1] or found
        for offset in (size // 2, size - SAMPLE):
            if offset > SAMPLE:
                file.seek(offset)
                file.readline(SAMPLE)
                found += file.read(SAMPLE // 4 if offset == size // 2 else SAMPLE).rpartition(b"\n")[0]
    return found


def _wide(start: bytes) -> str:
    """UTF-16/32 without a BOM, in any script: the order of bytes in which it is text, with ASCII delimiters."""
    strange = sum(byte < 32 or byte > 126 for byte in start) - sum(start.count(c) for c in b"\t\n\r")
    nuls = start.count(0)
    if strange < len(start) / 10 or (strange == nuls and nuls * 4 < len(start)):  # NULs in some other text
        return ""
    best, most = "", 0
    for name, unit in (("utf-32-le", 4), ("utf-32-be", 4), ("utf-16-le", 2), ("utf-16-be", 2)):
        text = start[: len(start) // unit * unit].decode(name, "replace")
        bad = sum(
            c not in "\t\n\r\x01\x1e\x1f" and unicodedata.category(c) in ("Cc", "Cn", "Co", "Cs")
            for c in text
        )
        bad += text.count("\ufffd")
        usual = sum("\t" <= c <= "~" for c in text) * unit
        if usual > most and bad * 50 <= len(text):
            best, most = name, usual
    return best


def _is_utf8(sample: bytes) -> bool:
    """Mostly: some broken bytes in an otherwise UTF-8 text stay a matter of single cells."""
    if _decodes(sample):
        return True
    text = sample.decode("utf-8", "surrogateescape")
    bad = sum("\udc80" <= c <= "\udcff" for c in text)
    return sum(c > "\x7f" for c in text) - bad >= bad


def _escaped(sample: bytes) -> str:
    """One of the encodings that write all in ASCII and change its meaning by escape sequences."""
    if re.search(rb"\x1b\$[@B()]|\x1b\(J", sample) and sample.isascii():
        for name in _ESCAPED:
            if len(sample.decode(name, "ignore").encode(name, "ignore")) >= len(sample) * 0.98:
                return name
    return ""


def _is_ebcdic(sample: bytes) -> bool:
    if b"\n" in sample or not re.search(rb"[\x15\x25]", sample):
        return False
    text = sample.translate(None, b"\x15\x25\x0d").decode("cp037")
    return sum(" " <= c <= "~" for c in text) > 0.9 * len(text)


def _broken(error: UnicodeError) -> tuple[str, int]:
    """What can't be decoded becomes half a pair, as ``surrogateescape`` does it, but for all encodings."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    byte = error.object[error.start]
    if error.encoding.replace("_", "-").startswith(("utf-16", "utf-32", "utf16", "utf32")):
        return "\udcff", error.end
    return chr(0xDC00 + byte) if byte > 127 else "\udcff", error.start + 1


codecs.register_error("sluice.broken", _broken)


def to_utf8(path: Path, encoding: str, folder: Path) -> Path:
    """A UTF-8 copy in ``folder``. Text that cannot be decoded becomes invalid UTF-8, so that the reader meets
    it as broken cells and not as other text.
    """
    target = folder / "utf8"
    decoder = codecs.getincrementaldecoder(encoding)("sluice.broken")
    try:
        with path.open("rb") as source, target.open("wb") as out:
            while chunk := source.read(CHUNK):
                out.write(decoder.decode(chunk).encode("utf-8", "surrogateescape"))
            out.write(decoder.decode(b"", final=True).encode("utf-8", "surrogateescape"))
    except UnicodeError as error:
        raise ReadError(
            f"{path} is not text in {encoding}: {error}.", hint="Name another encoding.", file=path
        ) from error
    return target


class Joined(NamedTuple):
    """A copy without the byte order marks of all files that were joined, and their common first line."""

    path: Path
    first: str


def joined(path: Path, folder: Path) -> Joined | None:
    """For a UTF-8 file in which later lines begin with a byte order mark too."""
    with path.open("rb") as file:
        before = b""
        while (block := before[-3:] + file.read(CHUNK)) != before[-3:]:
            if any(end + codecs.BOM_UTF8 in block for end in (b"\n", b"\r")):
                break
            before = block
        else:
            return None
    target = folder / "joined"
    first = again = b""
    with path.open("rb") as source, target.open("wb") as out:
        while line := source.readline(CHUNK):
            text = line.removeprefix(codecs.BOM_UTF8).replace(b"\r" + codecs.BOM_UTF8, b"\r")
            out.write(text)
            first = first or text.rstrip(b"\r\n")
            if len(text) < len(line) and source.tell() > len(line):
                again = text.rstrip(b"\r\n")
    return Joined(target, first.decode("utf-8", "surrogateescape") if first == again else "")


def replaced(text: str) -> str:
    """The text with U+FFFD for what could not be decoded."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def other_encoding(path: Path) -> str:
    """For a file that begins as ASCII and is not UTF-8: its encoding if no line has valid UTF-8 beyond ASCII,
    else ''.
    """
    strange = bytearray()
    with path.open("rb") as file:
        while lines := file.readlines(CHUNK):
            if b"".join(lines).isascii():
                continue
            for line in lines:
                if line.isascii():
                    continue
                if _decodes(line):
                    return ""
                if len(strange) < SAMPLE:
                    strange += line
    return likeliest(bytes(strange)) if strange else ""


def _decodes(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
