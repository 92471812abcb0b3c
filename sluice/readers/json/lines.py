"""JSON texts told apart by line ends (NDJSON) or by the record separator of RFC 7464: a broken one spoils no other."""

import re
from collections.abc import Iterator
from json.decoder import JSONDecodeError
from typing import IO

from sluice.readers.account import Account
from sluice.readers.json.pattern import Known, Run
from sluice.readers.json.stream import CHUNK
from sluice.readers.json.values import Decoder, Item, TooDeepError
from sluice.readers.text.records import RECORD_LIMIT, skip_line

_SPACE = " \t\r\n"
_LINE_END = re.compile(r"\r\n|\r|\n")
_BOM = "\ufeff"
SEPARATOR = "\x1e"


def lines(file: IO[str], decoder: Decoder, account: Account, known: Known) -> Iterator[Item | Run]:
    """One value a line."""
    number = 1
    while text := file.read(CHUNK) + file.readline(RECORD_LIMIT):
        position = 0
        while position < len(text):
            if run := known.run(text, position, number):
                yield run
                number, position = number + len(run), run.end
                continue
            found = _LINE_END.search(text, position)
            line, position = (
                text[position : found.start() if found else None],
                found.end() if found else len(text),
            )
            if len(line) > RECORD_LIMIT or (not found and len(line) >= RECORD_LIMIT):
                yield _too_long(number, line.strip(_SPACE))
                if not found:
                    skip_line(file)
            else:
                yield from _line(number, line.strip(_SPACE), decoder, account)
            number += 1


def _line(number: int, text: str, decoder: Decoder, account: Account) -> Iterator[Item]:
    if text.startswith(_BOM):
        account.repairs["byte_order_mark"] += 1
        text = text.lstrip(_SPACE + _BOM)
    if text:
        yield decode(number, text, decoder)
    else:
        account.skip("blank", number)


def sequence(file: IO[str], decoder: Decoder) -> Iterator[Item]:
    """Values that each follow a record separator."""
    line, pending = 1, ""
    while part := file.read(CHUNK):
        *whole, pending = (pending + part).split(SEPARATOR)
        for text in whole:
            yield from _part(line, text, decoder)
            line += text.count("\n")
        if len(pending) > RECORD_LIMIT:
            yield _too_long(line, pending)
            while pending and SEPARATOR not in pending:
                line += pending.count("\n")
                pending = file.read(CHUNK)
            dropped, _, pending = pending.partition(SEPARATOR)
            line += dropped.count("\n")
    yield from _part(line, pending, decoder)


def _part(line: int, text: str, decoder: Decoder) -> Iterator[Item]:
    if stripped := text.strip(_SPACE):
        before = text[: len(text) - len(text.lstrip(_SPACE))]
        yield decode(line + before.count("\n"), stripped, decoder)


def decode(line: int, text: str, decoder: Decoder) -> Item:
    """The text as one value, or what is wrong with it."""
    try:
        value, end = decoder.at(text, 0)
        if end == len(text):
            return Item(line, text, value, decoder.exact)
        raise JSONDecodeError("Extra data", text, end)
    except TooDeepError as error:
        return Item(line, text, None, reason="too_deep", message=str(error))
    except JSONDecodeError as error:
        message = f"The record is not valid JSON: {error.msg} at its character {error.pos + 1}."
    except ValueError as error:
        message = f"The record is not valid JSON: {error}."
    return Item(line, text, None, reason="bad_json", message=message)


def _too_long(line: int, text: str) -> Item:
    message = f"The record is longer than {RECORD_LIMIT:,} characters."
    return Item(line, text, None, reason="too_long", message=message)
