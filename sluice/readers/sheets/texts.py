"""The texts in a piece of a sheet's XML, and those that its cells refer to.

Imports nothing of Sluice but its neighbours: see ``sheets.main``.
"""

import re
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sluice.readers.sheets.tags import LONGEST, PAD, SLASH, Bytes, Ints, Unusual, tags_of

_CHUNK = 1 << 19
_ENTITY = re.compile(r"&(#x[0-9a-fA-F]{1,6}|#[0-9]{1,7}|amp|lt|gt|quot|apos|[^;]{0,20};?);?")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_ESCAPED = re.compile(r"_x([0-9a-fA-F]{4})_")


def slices(data: Bytes, start: Ints, end: Ints) -> pa.StringArray:
    """The pieces of the XML as texts, entities and Excel's own escapes resolved. Raises Unusual."""
    length = end - start
    offsets = np.zeros(len(start) + 1, np.int64)
    np.cumsum(length, out=offsets[1:])
    position = np.repeat(start - offsets[:-1], length) + np.arange(offsets[-1])
    return strings(data[position], offsets)


def strings(content: Bytes, offsets: Ints) -> pa.StringArray:
    """Texts from their bytes. Raises Unusual."""
    return pa.StringArray.from_buffers(
        len(offsets) - 1, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(content)
    )


def resolved(texts: pa.StringArray) -> pa.StringArray:
    """Entities, Excel's ``_x000D_`` and line ends as XML wants them. Raises Unusual."""
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid as error:
        raise Unusual from error
    odd = pc.match_substring_regex(texts, r"[&\r]|_x[0-9a-fA-F]{4}_")
    if not pc.any(odd).as_py():
        return texts
    changed = [unescape(text) for text in texts.filter(odd).to_pylist()]
    return pc.replace_with_mask(texts, odd, pa.array(changed, pa.string()))


def unescape(text: str) -> str:
    """One text. Raises Unusual for an entity of the file's own."""
    text = _ENTITY.sub(_entity, text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    if any("\ud800" <= c <= "\udfff" for c in text):
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _entity(found: re.Match[str]) -> str:
    name = found[1]
    if name in _NAMED and found[0].endswith(";"):
        return _NAMED[name]
    if not name.startswith("#") or not found[0].endswith(";"):
        raise Unusual
    code = int(name[2:], 16) if name[1] == "x" else int(name[1:])
    if not 0 < code < 0x110000:
        raise Unusual
    return chr(code)


def shared_strings(file: IO[bytes]) -> pa.StringArray:
    """The texts that cells refer to; those in parts are joined, readings above them left out. Raises Unusual."""
    found: list[pa.Array] = []
    rest = b""
    while True:
        read = file.read(_CHUNK)
        text = rest + read
        end = text.rfind(b"</si>") + 5 if read else len(text)
        if end < 5:
            end = 0
        rest = text[end:]
        if len(rest) > LONGEST or b"<!" in text[:end]:
            raise Unusual
        if end:
            found.append(resolved(_shared(np.frombuffer(text[:end] + PAD, np.uint8))))
        if not read:
            return pa.chunked_array(found, pa.string()).combine_chunks()


def _shared(data: Bytes) -> pa.StringArray:
    start, end, key = tags_of(data)
    third = data[start + 3]
    items = key == (ord("s") | ord("i") << 8)
    opens = ((key == (ord("t") | ord(">") << 8)) | (key == (ord("t") | ord(" ") << 8))) & (
        data[end - 1] != SLASH
    )
    reading = (key == (ord("r") | ord("P") << 8)) & (third == ord("h"))
    read = (key == (ord("/") | ord("r") << 8)) & (third == ord("P")) & (data[start + 4] == ord("h"))
    opens &= (np.cumsum(reading) - np.cumsum(read)) == 0
    texts = np.flatnonzero(opens)
    if not len(texts):
        return pa.array([""] * int(items.sum()), pa.string())
    if (key[texts + 1] != (ord("/") | ord("t") << 8)).any():
        raise Unusual
    of = (np.cumsum(items) - 1)[texts]
    if (of < 0).any():
        raise Unusual
    begins, length = end[texts] + 1, start[texts + 1] - end[texts] - 1
    sizes = np.bincount(of, weights=length, minlength=int(items.sum())).astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    before = np.concatenate([[0], np.cumsum(length)])[:-1]
    position = np.repeat(begins - before, length) + np.arange(int(length.sum()))
    return strings(data[position], offsets)
