"""Where tags and numbers are in a piece of a sheet's XML. Imports nothing of Sluice: see ``sheets.main``."""

import zipfile
import zlib
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
LONGEST = 1 << 26  # bytes of a row or a text
PAD = b" " * 32
LT, GT, QUOTE, SLASH, SPACE = b'<>"/ '

ERRORS = (
    OSError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
    KeyError,
    ElementTree.ParseError,
    RuntimeError,
    NotImplementedError,
    ValueError,
)


class Unusual(Exception):
    """The XML is valid perhaps, but not written as usual."""


def tags_of(data: Bytes) -> tuple[Ints, Ints, Ints]:
    """Where each tag starts and ends, and its first two characters as one number. Raises Unusual."""
    start, end = np.flatnonzero(data == LT), np.flatnonzero(data == GT)
    if len(start) != len(end) or (start > end).any() or (end[:-1] > start[1:]).any():
        raise Unusual
    key = data.take(start + 2).astype(np.int64)
    key <<= 8
    key |= data.take(start + 1)
    return start, end, key


def number_at(data: Bytes, at: Ints, most: int) -> tuple[Ints, Ints]:
    """The whole number that starts there, and how many digits it has."""
    value, count = np.zeros(len(at), np.int64), np.zeros(len(at), np.int64)
    active = np.ones(len(at), np.bool_)
    for k in range(most):
        digit = data.take(at + k).astype(np.int64) - 48
        active &= (digit >= 0) & (digit <= 9)
        if not active.any():
            break
        value = np.where(active, value * 10 + digit, value)
        count += active
    return value, count


def says(data: Bytes, at: Ints, text: bytes) -> npt.NDArray[np.bool_]:
    """Whether that text stands there."""
    same: npt.NDArray[np.bool_] = data.take(at) == text[0]
    for k, byte in enumerate(text[1:], 1):
        same &= data.take(at + k) == byte
    return same
