"""What words of files mean: empty cells, yes and no, currencies, and the names of columns."""

import re

# In a column of text only those mean empty that are hardly ever a value.
NULLS_ANYWHERE = frozenset(
    ("null", "<null>", "(null)", "[null]", "<na>", "\\n", "n/a", "#n/a", "#n/v", "#nv", "#null!", "n.a.", "k.a.",
     "k. a.", "keine angabe", "not available", "--", "---", "–", "—")
)  # fmt: skip
NULLS_OF_TYPES = NULLS_ANYWHERE | frozenset(
    ("-", ".", "?", "na", "nan", "none", "nil", "nul", "void", "missing", "unknown", "unbekannt", "tba", "tbd",
     "s.d.", "nd", "n.d.")
)  # fmt: skip

# True and false words of one language; a column's words must come from one of them (0 and 1 go with all).
BOOLEANS = (
    ({"true", "yes", "y", "t", "on", "1"}, {"false", "no", "n", "f", "off", "0"}),
    ({"ja", "j", "wahr", "1"}, {"nein", "n", "falsch", "0"}),
    ({"oui", "o", "vrai", "1"}, {"non", "n", "faux", "0"}),
    ({"sí", "si", "s", "verdadero", "v", "1"}, {"no", "n", "falso", "f", "0"}),
    ({"sì", "si", "s", "vero", "v", "1"}, {"no", "n", "falso", "f", "0"}),
    ({"sim", "s", "verdadeiro", "v", "1"}, {"não", "nao", "n", "falso", "f", "0"}),
    ({"ja", "j", "waar", "1"}, {"nee", "n", "onwaar", "0"}),
    ({"ja", "sant", "1"}, {"nej", "nei", "falskt", "0"}),
    ({"tak", "t", "prawda", "1"}, {"nie", "n", "fałsz", "0"}),
    ({"ano", "a", "1"}, {"ne", "n", "0"}),
    ({"да", "истина", "1"}, {"нет", "ложь", "0"}),
    ({"evet", "e", "1"}, {"hayır", "h", "0"}),
    ({"はい", "有", "1"}, {"いいえ", "無", "0"}),
    ({"是", "1"}, {"否", "0"}),
    ({"예", "1"}, {"아니오", "0"}),
)
USUAL_TRUE, USUAL_FALSE = {"true", "t", "yes", "y", "1"}, {"false", "f", "no", "n", "0"}

# Texts beside a number, by what they mean: two meanings in one column are two currencies.
_UNITS = {
    "%": "%", "‰": "‰", "EUR": "€ EUR Euro", "USD": "$ USD US$", "GBP": "£ GBP", "JPY": "¥ JPY", "CNY": "CNY",
    "CHF": "CHF Fr. SFr.", "INR": "₹ INR Rs. Rs", "kr": "kr kr.", "SEK": "SEK", "NOK": "NOK", "DKK": "DKK",
    "PLN": "zł PLN", "CZK": "Kč CZK", "HUF": "Ft HUF", "RUB": "₽ руб. RUB", "TRY": "₺ TRY", "BRL": "R$ BRL",
    "CAD": "C$ CAD", "AUD": "A$ AUD", "KRW": "₩ KRW", "ILS": "₪ ILS", "MXN": "MXN", "ZAR": "ZAR", "SGD": "SGD",
    "HKD": "HK$ HKD",
}  # fmt: skip
UNITS = {text: meaning for meaning, texts in _UNITS.items() for text in texts.split()}

_CODE = (
    "zip zipcode postal_?code postal post_?code plz cap codes? iban bic swift ean gtin isbn issn upc sku ssn siren "
    "siret kennung phone telephone telefon tel mobile mobil handy fax cell telefono téléphone telefoon kontonummer "
    "artikel_?(nummer|nr) article_?(no|number) barcode "
    "account_(no|number)"
)
_COUNT = (
    "count number num quantity qty anzahl menge rank level grade score size quarter month class year id day"
)
_AMOUNT = (
    "count quantity qty anzahl menge rank rang ranking level grade score size age alter points stock total amount "
    "number_of no_of num_of num"
)
_ID = (
    "id uuid guid key code no nr num number nummer numero número numéro sku isbn ean gtin iban slug e_?mail username "
    "login ref reference ident matricule rowid"
)
_ID_FIRST = "id cod code codice codigo código ref"  # id_cliente, cod_articulo
_ID_PART = "nummer nr kennung schluessel schlüssel"  # Kundennummer
# What is numbered, where it stands for its number: Order 1001.
_NUMBERED = (
    "order invoice ticket booking receipt transaction shipment case claim contract policy voucher bestellung auftrag "
    "rechnung beleg vorgang vertrag buchung commande facture pedido factura ordine fattura"
)


def has_word(name: str, words: str) -> bool:
    """Whether one of the words (a pattern) stands in the normalised name."""
    return re.search(rf"(^|_)({words})(_|\d|$)", name) is not None


def is_code(name: str) -> bool:
    """The name of texts that may be all digits: a postcode is no amount."""
    return has_word(name, _any(_CODE))


def is_count(name: str) -> bool:
    """The name of numbers that may happen to be 0 and 1."""
    return has_word(name, _any(_COUNT))


def is_amount(name: str) -> bool:
    """The name of whole numbers that say how many or which place: each once in a table, but no key."""
    return has_word(name, _any(_AMOUNT))


def is_id(name: str) -> bool:
    """The name of something that tells records apart."""
    first, part = rf"^({_any(_ID_FIRST)})_(?!of_|de_)", rf"\w({_any(_ID_PART)})$"
    return re.search(rf"(^|_)({_any(_ID)})(_?\d)?$|{first}|{part}", name) is not None


def is_numbered(name: str) -> bool:
    """The name of something that has a number, without a word for the number."""
    return re.fullmatch(_any(_NUMBERED), name) is not None


def _any(words: str) -> str:
    return "|".join(words.split())
