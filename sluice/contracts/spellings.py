"""How cells may be written where the plain forms are not all: numbers with other signs, other words for yes and no."""

from sluice.contracts.model import Booleans, Numbers
from sluice.contracts.odcs import Place, advice

NEGATIVES = ("parentheses", "trailing")
_NUMBER_KEYS = ("decimal", "thousands", "units", "negatives")
_EXAMPLE = "write value: {decimal: ',', thousands: ['.'], units: [€], negatives: [parentheses, trailing]}"


def numbers(setting: Place | None) -> Numbers | None:
    """The custom property ``sluice.numbers``, problems reported."""
    if setting is None or not _mapping(setting, "sluice.numbers", _NUMBER_KEYS, _EXAMPLE):
        return None
    decimal = setting.children["decimal"].text if "decimal" in setting.children else "."
    thousands = _texts(setting, "thousands")
    for sign in (decimal, *thousands):
        if len(sign) != 1 or sign.isalnum() or sign in "+-()":
            setting.wrong(f"sluice.numbers has the sign '{sign}', where one like , . ' or a space is wanted")
    if decimal in thousands:
        setting.wrong(
            f"sluice.numbers has '{decimal}' as the decimal and as the thousands sign; write one of them"
        )
    units = _texts(setting, "units")
    for unit in units:
        if not unit.strip() or any(c.isdigit() or c in "+-−()" for c in unit):
            setting.wrong(
                f"sluice.numbers has the unit '{unit}', which holds digits or signs of numbers, or nothing"
            )
    negatives = _texts(setting, "negatives")
    for word in negatives:
        if word not in NEGATIVES:
            setting.wrong(f"sluice.numbers has negatives '{word}'; {advice(word, NEGATIVES)}")
    return Numbers(decimal, thousands, units, negatives)


def booleans(setting: Place | None) -> Booleans | None:
    """The custom property ``sluice.booleans``, problems reported."""
    example = "write value: {true: [ja], false: [nein]}"
    if setting is None or not _mapping(setting, "sluice.booleans", ("true", "false"), example):
        return None
    true, false = (tuple(text.strip().lower() for text in _texts(setting, key)) for key in ("true", "false"))
    if both := sorted(set(true) & set(false)):
        setting.wrong(f"sluice.booleans has '{both[0]}' for true and for false; write it once")
    return Booleans(true, false)


def _mapping(setting: Place, name: str, keys: tuple[str, ...], example: str) -> bool:
    if not isinstance(setting.value, dict):
        setting.wrong(f"{name} must be a mapping; {example}")
        return False
    for key in set(setting.children) - set(keys):
        setting.wrong(f"{name} has '{key}', which is not known; {advice(key, keys)}", key)
    return True


def _texts(setting: Place, key: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item.text for item in setting.scalars(key)))
