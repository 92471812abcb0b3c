"""The likeliest of the older encodings: by statistics of languages, and by what no writer would write."""

import math
import re
import unicodedata
from functools import lru_cache
from itertools import pairwise

import chardet

_SINGLE = (
    *(f"cp125{i}" for i in range(9)),
    *(f"iso8859-{i}" for i in (1, 2, 5, 6, 7, 8, 9, 13, 15)),
    *("koi8-r", "koi8-u", "cp866", "cp874", "cp437", "cp850", "cp852", "mac-roman"),
)
_DOUBLE = ("cp932", "euc_jis_2004", "cp949", "euc_kr", "gb18030", "big5hkscs")
# What the statistics call by the name of a rarely used superset or subset.
_USUAL = {"euc_jis_2004": "euc_jp", "euc_kr": "cp949", "big5hkscs": "cp950"}
# How frequent files are, which the statistics do not know.
_PRIOR = {"cp1252": 1.1, "cp437": 0.5, "cp852": 0.5, "cp850": 0.7, "iso8859-13": 0.7}
_USUALLY = 0.8  # and most files with a letter or two beyond ASCII are in cp1252
_ASCII = bytes(range(128))
_SAMPLE = 1 << 18
_LOOKED_AT = 4_000  # bytes
_LINES = 300
_ODD = 3.0
_CONTROLS = 0.1
_CONTROL = re.compile("[\x80-\x9f]")  # in no text of a table
_DAMAGED = 0.1  # of the lines
_LESS = 0.3  # likely than an encoding that reads all
_JOINING = frozenset("'\u2019\u00b7\u00ad\u00b4`")


def likeliest(sample: bytes) -> str:
    """The likeliest encoding of bytes that are not UTF-8; cp1252 where it reads the same text.

    Some damaged lines do not hide an encoding.
    """
    lines = [line for line in sample[:_SAMPLE].splitlines() if not line.isascii()]
    text = b"\n".join(lines)
    scores = _scores(text, text)
    for name, score in _damaged(lines[:_LINES]).items():
        scores[name] = max(score, scores.get(name, 0.0))
    best = _best(scores)
    if best == "iso8859-1":  # what only it reads is no text
        best = "cp1252"
    for name in ("cp1252", _USUAL.get(best, best)):
        if text.decode(name, "replace") == text.decode(best, "replace"):
            return name
    return best


def _damaged(lines: list[bytes]) -> dict[str, float]:
    """Scores of the encodings in which all lines but a few can be read."""
    scores: dict[str, float] = {}
    every = b"\n".join(lines)
    for name in (*_SINGLE, *_DOUBLE):
        good = [line for line in lines if _decodes(line, name)]
        if not good or not 0 < len(lines) - len(good) <= max(1, _DAMAGED * len(lines)):
            continue
        rest = b"\n".join(good)
        found = _scores(rest, rest if name in _DOUBLE else every)
        if name in _SINGLE:
            scores[name] = _LESS * found.get(name, 0.0)
        elif _best(found) == name and _is_dense(rest, name):
            scores[name] = 1.0
    return scores


def _best(scores: dict[str, float]) -> str:
    return max(scores, key=lambda name: scores[name], default="cp1252")


def _scores(text: bytes, every: bytes) -> dict[str, float]:
    """How likely each encoding is by the words of ``text`` and the odd places of characters in ``every``."""
    found = _detected(text)
    part = (
        every if len(every) <= _LOOKED_AT else every[:_LOOKED_AT].rpartition(b"\n")[0] or every[:_LOOKED_AT]
    )
    texts = {name: part.decode(name, "replace") for name in found}
    few = math.exp(-len(part.translate(None, _ASCII)) / 2)  # so little says nearly nothing
    return {
        name: (score + 1e-4)
        * (_PRIOR.get(name, 1.0) + (name == "cp1252") * _USUALLY * few)
        * math.exp(-_ODD * _oddness(texts[name]))
        * (_CONTROLS if _CONTROL.search(texts[name]) else 1)
        for name, score in found.items()
    }


@lru_cache(4)
def _detected(text: bytes) -> dict[str, float]:
    found = chardet.detect_all(
        text, ignore_threshold=True, compat_names=False, include_encodings=(*_SINGLE, *_DOUBLE)
    )
    known = (*_SINGLE, *_DOUBLE)
    return {"cp1252": 0.0} | {
        str(one["encoding"]): one["confidence"] for one in found if one["encoding"] in known
    }


def _decodes(line: bytes, name: str) -> bool:
    try:
        line.decode(name)
    except UnicodeDecodeError:
        return False
    return True


def _is_dense(text: bytes, name: str) -> bool:
    """Whether the foreign characters stand side by side, as those of two bytes do."""
    foreign = [c > "\x7f" for c in text.decode(name)]
    pairs = sum(a and b for a, b in pairwise(foreign))
    return 2 * pairs >= sum(foreign)


def _oddness(text: str) -> float:
    """The share of characters beyond ASCII that no writer would put where they stand."""
    padded = f" {text} "
    odd = count = 0.0
    for before, char, after in zip(padded, text, padded[2:], strict=False):
        if char > "\x7f":
            count += 1
            odd += _odd(before, char, after)
    return odd / count if count else 0.0


def _odd(before: str, char: str, after: str) -> float:
    script = _script(char)
    if script == "none":
        return 1
    if script == "sign":
        return float(before.isalpha() and after.isalpha() and char not in _JOINING)
    if {_script(before), _script(after)} - {script, "sign", "none"} and script != "CJK":
        return 1
    if char.isupper() and before.islower():
        return 1
    return 0.7 * (char.islower() and before.isupper() and after.isupper())


@lru_cache(4096)
def _script(char: str) -> str:
    """``none``: no text; ``sign``: no letter."""
    category = unicodedata.category(char)
    if category in ("Cc", "Cn", "Co", "Cs") or "\u2500" <= char <= "\u25ff" or char == "\ufffd":
        return "sign" if char < "\x7f" else "none"
    if category[0] not in "LM":
        return "none" if char == "¤" else "sign"
    name = unicodedata.name(char, "CJK").split()[0]
    return "CJK" if name in ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "KATAKANA-HIRAGANA") else name
