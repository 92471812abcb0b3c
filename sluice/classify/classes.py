"""The classes of columns, what they are called and how much they are to be protected."""

from dataclasses import dataclass, field

# Level of a class alone, and where the table also tells of whom the cells are.
LEVELS = {
    "credential": ("restricted", "restricted"),
    "url_login": ("restricted", "restricted"),
    "credit_card": ("restricted", "restricted"),
    "iban": ("restricted", "restricted"),
    "national_id": ("restricted", "restricted"),
    "birth_date": ("confidential", "restricted"),
    "email": ("confidential", "confidential"),
    "phone": ("confidential", "confidential"),
    "person_name": ("confidential", "confidential"),
    "street_address": ("confidential", "confidential"),
    "ip_address": ("confidential", "confidential"),
    "mac_address": ("confidential", "confidential"),
    "geo_coordinate": ("internal", "confidential"),
    "postal_code": ("internal", "confidential"),
    "city": ("internal", "confidential"),
    # What stands in cells does not tell that anybody may read them; only a contract says public.
    "none": ("internal", "internal"),
}
PLURALS = {
    "credential": "passwords, keys or tokens", "url_login": "URLs with a password or token",
    "credit_card": "payment cards",
    "iban": "bank accounts (IBAN)", "national_id": "national ids", "birth_date": "dates", "email": "e-mail addresses",
    "phone": "phone numbers", "person_name": "names of persons", "street_address": "streets with numbers",
    "ip_address": "IP addresses", "mac_address": "MAC addresses", "geo_coordinate": "coordinates",
    "postal_code": "postal codes", "city": "cities",
}  # fmt: skip
# With one of these in the table its other cells are about a person.
OF_PERSONS = frozenset(("person_name", "email", "phone", "birth_date", "national_id"))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a column may be. ``confidence``: from 0 to 1; ``country``: ISO code, of national ids and phone numbers."""

    kind: str
    confidence: float
    evidence: str
    country: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """What the checks see of a column; ``texts`` are some of its different ones."""

    header: str
    texts: tuple[str, ...]
    filled: int
    named: tuple[str, ...] = ()
    innocent: bool = False
    vague: bool = False

    def is_named(self, kind: str) -> bool:
        """Whether the header says that it is of that class."""
        return kind in self.named


@dataclass(frozen=True, slots=True)
class Classified:
    """A column with its class. ``level``: by the class, or what the dataset's contract says; ``by``: which of both."""

    column: str
    kind: str
    confidence: float
    level: str
    by: str
    evidence: str
    country: str = ""
    facts: dict[str, int] = field(default_factory=dict)
