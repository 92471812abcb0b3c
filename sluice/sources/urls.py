"""URLs as they may be stored and shown: without login, and without what in their query looks secret."""

import re
from urllib.parse import unquote

MASK = "***"
# Searched for in a parameter's name in lower case.
_SECRET = re.compile(
    r"token|secret|signature|passw|passp|passc|credential|session|oauth|authori[sz]ation|accesskey"
    r"|(key|auth)([^a-z]|$)|(^|[^a-z])(jwt|pass|pwd|sid|sig)([^a-z]|$)|^code$|^x-(amz|goog)-"
)
# Of an Azure shared access signature: of no use without the signature, and common names elsewhere.
_SIGNED = frozenset({"se", "sip", "sp", "spr", "sr", "srt", "ss", "st", "sv"})


def masked(url: str) -> str:
    """The URL without login, and with ``***`` for the value of each parameter that looks secret. Any text will do."""
    start, *parts = re.split("([?#&;])", without_login(url))
    names = [unquote(part.partition("=")[0]).lower() for part in parts]
    for number, name in enumerate(names):
        secret = _SECRET.search(name) or ("sig" in names and name in _SIGNED)
        if secret and "=" in parts[number]:
            parts[number] = f"{parts[number].partition('=')[0]}={MASK}"
    return start + "".join(parts)


def looks_secret(name: str) -> bool:
    """Whether what goes by this name, a parameter or a header, is no one else's business."""
    return bool(_SECRET.search(name.lower())) or name.lower() in ("cookie", "x-otp")


def is_masked(url: str) -> bool:
    """Whether a secret of the URL was left out, so that it can't be opened."""
    return bool(re.search(r"[?#&;][^?#&;=]*=\*\*\*($|[?#&;])", url))


def without_secrets(url: str) -> str:
    """The URL without login, query and fragment, which may hold secrets. Any text will do."""
    return re.split("[?#]", without_login(url), maxsplit=1)[0]


def without_login(url: str) -> str:
    """The URL without user and password, even where a '/', '?' or '#' stands unescaped in the password."""
    scheme, separator, rest = url.partition("://")
    host = re.split("[/?#]", rest, maxsplit=1)[0]
    if "@" in host:
        rest = rest[host.rindex("@") + 1 :]
    elif not re.fullmatch(r"(\[[^]]*\]|[^:]*)(:\d*)?", host):
        rest = rest.rpartition("@")[2]
    return f"{scheme}{separator}{rest}"
