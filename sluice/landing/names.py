"""File names that clients send: kept readable, never a path."""

import re
import unicodedata

_LONGEST = 200  # bytes; file systems take 255
_UNFIT = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|\u202a-\u202e\u2066-\u2069]+')


def safe_name(name: str) -> str:
    """The last part of the name without what a file system or a terminal could take for something else."""
    name = unicodedata.normalize("NFC", name).replace("\\", "/").rstrip("/").rpartition("/")[2]
    name = _UNFIT.sub("_", name).strip(" .")
    stem, dot, ending = name.rpartition(".")
    if dot and len(ending) <= 10:
        room = _LONGEST - len(ending.encode()) - 1
        return f"{_cut(stem, room) or 'file'}.{ending}"
    return _cut(name, _LONGEST) or "file"


def _cut(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore").strip(" .")
