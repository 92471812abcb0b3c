"""Which delimiters and quotes a delimited text may have, from what stands in it; `dialect` chooses among them."""

import re
from collections.abc import Iterator

# Likelier ones first: they win a draw.
_USUAL = {",": 1.0, ";": 1.0, "\t": 1.0, "|": 1.0, "\x1f": 1.0, ":": 0.6, " ": 0.4}
_RARE = dict.fromkeys("\x01\x02\x03\x1c\x1d\x1e", 1.0) | dict.fromkeys("^~¦§¬¶¤þ", 0.9)
_RARE |= dict.fromkeys("#@!&*=$%", 0.6) | dict.fromkeys("/-_", 0.4)
_LONGER = 1.05
_LINES = 60
_TEXT = 20_000
_LOOKED = 20_000_000  # characters: how far the looks for the ends of all quoted cells may go, taken together
_MOST_LONGER = 6
_QUOTES = "\"'`"
_WORD = re.compile(r"\w")
_SIGN = r"[^\w\s\"'`.()\[\]{}+\ud800-\udfff-]"  # nor bytes that are no text
_RUN = re.compile(rf"{_SIGN}{{2,}}")
_SPACED = re.compile(rf"([ \t]+)({_SIGN}{{1,3}})\1")
_SPACES = re.compile(r"(?<=\S) {2,}(?=\S)")
_GAP = re.compile(r"(?<=\S)[,;] (?=\S)")


def delimiters(text: str) -> dict[str, float]:
    """Each that may be the file's, with how likely it is before anything is tried."""
    lines = [line for line in text[:_TEXT].splitlines()[:_LINES] if line.strip()]
    found = {d: prior for d, prior in _USUAL.items() if d in text}
    rare = {d: prior for d, prior in _RARE.items() if _often(d, lines, 0.3)}
    return found | rare | dict.fromkeys(_longer(lines), _LONGER)


def _often(part: str, lines: list[str], share: float) -> bool:
    return sum(part in line for line in lines) >= max(1, share * len(lines))


def _longer(lines: list[str]) -> list[str]:
    """Delimiters of several characters: they stand in nearly every line."""
    plain = [line.replace("://", " ") for line in lines if _WORD.search(line)]
    tried = {part for line in plain for run in _RUN.findall(line) for part in _parts(run[:12])}
    tried |= {found[0] for line in plain for found in _SPACED.finditer(line)}
    tried |= {found[0] for line in plain for found in _GAP.finditer(line)}
    spaces = {found[0] for line in plain for found in _SPACES.finditer(line)}
    tried |= spaces if len(spaces) == 1 else set()
    whole = "\n".join(plain)
    often = {
        part: whole.count(part) for part in tried if _often(part, plain, 0.5) and not _is_empty(part, whole)
    }
    kept = [
        part
        for part, count in often.items()
        if not any(part != other and part in other and often[other] >= 0.95 * count for other in often)
    ]
    return sorted(kept, key=lambda part: (-often[part] * len(part), part))[:_MOST_LONGER]


def _is_empty(part: str, text: str) -> bool:
    """Whether it is rather a row of empty cells: one symbol, which stands alone too."""
    alone = text.count(part[0]) - len(part) * text.count(part)
    return part[0] in ",;\t" and len(set(part)) == 1 and 10 * alone > text.count(part[0])


def _parts(run: str) -> Iterator[str]:
    for size in (2, 3, 4):
        yield from (run[start : start + size] for start in range(len(run) - size + 1))


def quotes(text: str, delimiter: str) -> list[str]:
    """Quotes that enclose cells, the usual one first; others only where that is a habit, or needed; none where quotes
    are clearly text.
    """
    found = ["" if '"' in text and _is_text(text, delimiter, '"') else '"']
    for quote in _QUOTES[1:]:
        if quote not in text:
            continue
        begins = text.startswith(quote) or f"{delimiter}{quote}" in text or f"\n{quote}" in text
        if begins and _encloses(text[:_TEXT], delimiter, quote):
            found.append(quote)
    return found


def _is_text(text: str, delimiter: str, quote: str) -> bool:
    """Whether quotes enclose parts of cells at their begin, and no whole cell anywhere.

    Who writes commas quotes the cells that hold some, so there such a cell is a mistake.
    """
    if delimiter == ",":
        return False
    d, q = re.escape(delimiter), re.escape(quote)
    begin, end = rf"(?:^|(?<={d}) ?){q}", rf" *(?:{d}|[,;\t|\r\n]|\Z)"
    if not re.search(rf"{begin}[^{q}\r\n]++(?<!\\){q}(?!{q}|{end})", text, re.MULTILINE):
        return False
    far = _LOOKED // (len(re.findall(begin, text, re.MULTILINE)) or 1)
    whole = rf"{begin}(?:(?:\\{q}|{q}{q}|[^{q}]){{0,{far}}}+|(?:(?!{d})[^\r\n])*){q}{end}"
    return not re.search(whole, text, re.MULTILINE)


def _encloses(text: str, delimiter: str, quote: str) -> bool:
    d, q = re.escape(delimiter), re.escape(quote)
    start, end = rf"(?:^|(?<={d}) ?)", rf" ?(?={d}|\r|$)"
    cells = re.findall(rf"{start}{q}((?:[^{q}\\]|{q}{q}|\\[\s\S])*+){q}{end}", text, re.MULTILINE)
    begun = len(re.findall(rf"{start}{q}", text, re.MULTILINE))
    needed = any(part in cell for cell in cells for part in (delimiter, "\n", quote))
    lines = text.count("\n") + 1
    return len(cells) >= 0.9 * begun > 0 and (needed or len(cells) >= 0.5 * lines)


def escapes(text: str, quote: str, delimiter: str) -> list[str]:
    """The doubled quote, and the backslash if it stands before quotes or delimiters; the backslash first if it is
    nowhere text.
    """
    if not quote or "\\" not in text or not any(f"\\{part}" in text for part in (quote, delimiter)):
        return [quote]
    special = "|".join(map(re.escape, ("\\", quote, delimiter, "\r", "\n")))
    return [quote, "\\"] if "\\" in re.sub(rf"\\(?:{special})", "", text) else ["\\", quote]
