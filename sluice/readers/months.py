"""Names of months in other languages; no name means two months, so the language need not be known."""

import calendar

_NAMES = (
    "january jan januar jänner janvier janv enero ene gennaio gen januari janeiro",
    "february feb februar février fevrier févr fevr fév fev febrero febbraio februari fevereiro",
    "march mar märz maerz mrz mär mars marzo maart mrt março marco",
    "april apr avril avr abril abr aprile",
    "may mai mayo maggio mag mei maio",
    "june jun juni juin junio giugno giu junho",
    "july jul juli juillet juil julio luglio lug julho",
    "august aug août aout agosto ago augustus",
    "september sept sep septembre septiembre setiembre settembre set setembro",
    "october oct oktober okt octobre octubre ottobre ott outubro out",
    "november nov novembre noviembre novembro",
    "december dec dezember dez décembre decembre déc diciembre dic dicembre dezembro",
)
MONTHS = {name: month for month, names in enumerate(_NAMES, 1) for name in names.split()}
ANY_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))


def english(text: str, sign: str, dotted: bool) -> str:
    """SQL for the text with its month in English, in full for strptime's ``B``, short for ``b``.

    ``dotted``: a point after the month is of the format, and not of the name.
    """
    names = calendar.month_name if sign == "B" else calendar.month_abbr
    listed = ", ".join(f"'{name}': '{names[month]}'" for name, month in MONTHS.items())
    found = f"regexp_extract(lower({text}), '({ANY_MONTH})', 1)"
    point = "" if dotted else r"\.?"
    month = f"map_extract_value(MAP {{{listed}}}, {found})"
    return f"regexp_replace({text}, '({ANY_MONTH}){point}', {month}, 'i')"
