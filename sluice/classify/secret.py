"""Passwords, keys and tokens, by their marks and by how random they are."""

import math
import re
from collections import Counter

_MARKED = re.compile(
    r"gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}|AIza[\w-]{30,}|ya29\.[\w-]{20,}"
    r"|(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{10,}|sk-(?:proj-|ant-)?[\w-]{20,}|whsec_\w{16,}|xox[abeoprs]-[\w-]{10,}|SG\.[\w-]{16,}\.[\w-]{16,}"
    r"|npm_[A-Za-z0-9]{20,}|pypi-[\w-]{20,}|hf_[A-Za-z]{20,}|dop_v1_[a-f0-9]{40,}|shp(?:at|ss|ca|pa)_[a-fA-F0-9]{20,}|EAA[A-Za-z0-9]{40,}"
    r"|eyJ[\w-]{6,}\.eyJ[\w-]{6,}\.[\w-]*|-----BEGIN [A-Z ]*(?:PRIVATE KEY|PGP PRIVATE KEY BLOCK)-----.*"
    r"|\$(?:2[abxy]|argon2(?:id|i|d)|5|6|1|apr1|y|scrypt|pbkdf2[\w-]*)\$.+|pbkdf2_sha\d+\$.+|\{(?:SSHA|SHA|SMD5|CRYPT)\d*\}.+"
    r"|(?:Bearer|Basic) [\w.~+/-]{10,}=*|AGE-SECRET-KEY-1[A-Z0-9]{20,}"
    r"|vault:v\d+:\S+|hvs\.[\w-]{20,}|dckr_pat_[\w-]{20,}"
    r"|AccountKey=\S+|\d{8,10}:AA[\w-]{30,}",
    re.DOTALL,
)
_USER_IN_URL = re.compile(r"(?:jdbc:)?[A-Za-z][\w+.-]*://[^\s/@:?#]*:[^\s/@]+@[^\s]+")
_SECRET_IN_URL = re.compile(
    r"[A-Za-z][\w+.:-]{1,60}://\S{0,500}[?&;](?:access_?token|token|api_?key|password|passwd|pwd|secret|sig|auth)=[^&;\s]{4,}.*",
    re.IGNORECASE,
)
_CONNECTION = re.compile(r".*(?:^|;)\s*(?:password|pwd)\s*=\s*[^;]+.*", re.IGNORECASE)
_HEX = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_ONE_WORD = re.compile(r"\S{4,}")
_MOMENT = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}(?:[T ]\d.*)?")
_RANDOM = re.compile(r"[A-Za-z0-9_+/=-]{24,256}")


def is_marked_secret(text: str) -> bool:
    """Whether the text has the mark of a kind of key, token, or hashed password."""
    return _MARKED.match(text) is not None


def is_url_login(text: str) -> bool:
    """Whether the text is a URL or a connection string with a password or a token in it."""
    return any(form.fullmatch(text) for form in (_USER_IN_URL, _SECRET_IN_URL)) or (
        ";" in text and _CONNECTION.fullmatch(text) is not None
    )


def is_random(text: str) -> bool:
    """Whether the text is a long row of capitals, small letters and digits without order; hashes in hex are none."""
    if not _RANDOM.fullmatch(text) or _HEX.fullmatch(text.replace("-", "")):
        return False
    kinds = (any(c.isupper() for c in text), any(c.islower() for c in text), any(c.isdigit() for c in text))
    return all(kinds) and entropy(text) >= 3.9


def may_be_secret(text: str) -> bool:
    """Whether the text may be a password or a key where the header says so: no date, no truth value, no number."""
    if text.lower() in ("true", "false", "none", "null", "yes") or _MOMENT.fullmatch(text):
        return False
    return _ONE_WORD.fullmatch(text) is not None or len(text) >= 12


def entropy(text: str) -> float:
    """Bits a character, from how often each character stands in the text."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())
