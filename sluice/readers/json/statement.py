"""JSON as the one value of a statement of JavaScript, ``callback({...});`` or ``name = [...];``, and a copy of it."""

import re
import shutil
from codecs import BOM_UTF8
from json.decoder import JSONDecodeError
from pathlib import Path

from sluice.readers.bytes import SAMPLE
from sluice.readers.json.values import Decoder

_START = 4096  # bytes that a statement may take to its value
_CUT = 16  # characters from the end of a sample: an error there may come of the cut
_NAME = r"[A-Za-z_$][\w$.]*"
_BEFORE = re.compile(
    rf"\s*(?:/\*[ -)+-~]*\*/\s*)?(?:{_NAME}\s*(?P<call>\()|(?:(?:var|let|const)\s+)?{_NAME}\s*=|\)\]\}}',?)"
    r"\s*(?=[\[{])",
    re.ASCII,
)
_CALLED = re.compile(rb"\s*\)\s*;?\s*\Z")
_ASSIGNED = re.compile(rb"\s*;?\s*\Z")
_MEMBER = re.compile(r"""[\[\s]*\{\s*(["'])\w+\1\s*:""")


def before_value(text: str, *, whole: bool) -> str:
    """What stands before the value; '' if the text, or what its beginning shows, is not one such statement."""
    found = _BEFORE.match(text[:_START])
    if not found:
        return ""
    try:
        _, end = Decoder().at(text, found.end())
        fits = _behind(found[0]).match(text[end:].encode()) is not None
    except JSONDecodeError as error:
        cut = not whole and (error.msg.startswith("Unterminated") or error.pos >= len(text) - _CUT)
        fits = cut or _is_broken(text, found)
    except ValueError:
        fits = True
    return found[0] if fits else ""


def _is_broken(text: str, before: re.Match[str]) -> bool:
    """Whether the text, no valid JSON, is one statement all the same: no line of a list of such."""
    return (
        _MEMBER.match(text, before.end()) is not None
        and text.count(before[0].strip()) == 1
        and text.rstrip("; \t\r\n").endswith((")", "]", "}"))
    )


def _behind(before: str) -> re.Pattern[bytes]:
    return _CALLED if before.rstrip().endswith("(") else _ASSIGNED


def unwrapped(file: Path, folder: Path) -> tuple[Path, str]:
    """A copy of the UTF-8 file with spaces for all but the value, so that lines stay; and what stood before it.
    The file itself and '' if it is no such statement.
    """
    with file.open("rb") as source:
        start = source.read(_START)
        mark = len(BOM_UTF8) * start.startswith(BOM_UTF8)
        if not _BEFORE.match(start[mark:].decode(errors="replace")):
            return file, ""
        start += source.read(SAMPLE - len(start))
    before = before_value(start[mark:].decode(errors="replace"), whole=len(start) < SAMPLE)
    if not before:
        return file, ""
    copy = folder / "value.json"
    shutil.copyfile(file, copy)
    with copy.open("r+b") as out:
        out.seek(max(0, copy.stat().st_size - _START))
        place, end = out.tell(), out.read()
        if found := _behind(before).search(end):
            out.seek(place + found.start())
            out.write(_blank(found[0]))
        out.seek(mark)
        out.write(_blank(before.encode()))
    return copy, " ".join(before.split())


def _blank(text: bytes) -> bytes:
    return re.sub(rb"[^\r\n]", b" ", text)
