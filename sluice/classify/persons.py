"""Names of persons, by their shape and by names that many people have."""

import re
import unicodedata
from functools import lru_cache

from sluice.classify.lexicon import FAMILY_NAMES, GIVEN_NAMES

_WORD = r"(?:(?:[^\W\d_]{1,5}\.-?)+(?:[^\W\d_]{1,4})?|[^\W\d_]+(?:['’´-][^\W\d_]+)*\.?)"
_NAME = re.compile(rf"{_WORD}(?:,? {_WORD}){{0,4}}")
_PARTICLES = frozenset(
    """
    van von der den de del della di da dos das do du la le los las y e zu zur af av ten ter te bin al el
    """.split()
)
_TITLES = frozenset(
    """
    mr mrs ms miss dr prof herr frau ing dipl m mme mlle sr sra dhr mevr jr sr ii iii iv phd md
    mag msc bsc pan pani mgr univ sc eng mba ba ma hon
    """.split()
)
# Words that stand in names of firms, goods and places, not of persons.
_OTHER = frozenset(
    """
    gmbh ag kg ohg inc ltd llc corp co company plc sa sarl sas srl spa bv nv oy ab as aps group gruppe
    holding holdings the and und of for with services service solutions systems system software shop store
    street road avenue strasse hotel restaurant university school bank insurance foods trading industries
    partners consulting logistics pro plus max mini set pack edition black white red blue green silver
    gold steel cotton wireless bluetooth usb led smart table chair lamp desk phone laptop monitor cable
    shirt shoes jacket coffee tea chocolate oil north south east west united republic new old
    """.split()
)


@lru_cache(maxsize=4096)
def plain_words(text: str) -> tuple[str, ...]:
    """The words in lower case without accents; several checks ask for those of the same text."""
    text = text.replace("ß", "ss").replace("ø", "o").replace("Ø", "O").replace("ł", "l").replace("Ł", "L")
    text = text.replace("ı", "i").replace("æ", "ae").replace("å", "a")
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return tuple(re.findall(r"[^\W\d_]+", text.lower()))


def has_shape(text: str) -> bool:
    """One to five words, written as names are: ANNA LEE, Jean-Luc d'Arc, Müller, Anna, van der Berg."""
    if len(text) > 60 or not _NAME.fullmatch(text):
        return False
    words = re.findall(r"[^\W\d_]+(?:['’´-][^\W\d_]+)*", text)
    if any(word.lower() in _OTHER for word in words):
        return False
    main = [word for word in words if word.lower() not in _PARTICLES | _TITLES]
    if not main:
        return False
    if not any(c.isupper() or c.islower() for c in text):  # a script without capitals
        return len(text) <= 20
    return all(word[0].isupper() for word in main) or (text == text.lower() and len(words) <= 3)


def known(text: str) -> bool:
    """Whether one of the words is a common given name, or the last or the first a common family name."""
    words = plain_words(text)
    return any(word in GIVEN_NAMES for word in words) or bool(
        words and (words[-1] in FAMILY_NAMES or words[0] in FAMILY_NAMES)
    )


def both_known(text: str) -> bool:
    """Whether the text has a common given name and another word, as names of persons have and single words don't."""
    words = [word for word in plain_words(text) if word not in _TITLES]
    return len(words) >= 2 and (words[0] in GIVEN_NAMES or ("," in text and words[-1] in GIVEN_NAMES))


def is_handle(text: str) -> bool:
    """Whether the text may be the name by which somebody logs in."""
    return re.fullmatch(r"[A-Za-z][\w.-]{2,30}", text) is not None
