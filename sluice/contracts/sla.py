"""Service level agreements: how old a dataset's newest load may be."""

from sluice.contracts.odcs import Place

# By what is said most directly of the age of data; with the standard's short names.
_PROPERTIES = (("freshness",), ("latency", "ly"), ("frequency", "fy"))
_HOURS = {
    "ms": 1 / 3_600_000, "second": 1 / 3600, "sec": 1 / 3600, "s": 1 / 3600,
    "minute": 1 / 60, "min": 1 / 60, "m": 1 / 60, "hour": 1, "hr": 1, "h": 1, "day": 24, "d": 24,
    "week": 168, "wk": 168, "w": 168, "month": 730, "mo": 730, "quarter": 2191, "year": 8766, "yr": 8766, "y": 8766,
}  # fmt: skip


def freshness_hours(tree: Place, names: tuple[str, ...], notes: list[str]) -> float | None:
    """Hours within which new data of the object of these names is due; None where nothing says so.

    It is the SLA ``freshness``, else ``latency``, else ``frequency``. What can't be told in hours becomes a note.
    """
    only, default = len(tree.entries("schema")) == 1, tree.string("slaDefaultElement")
    for spellings in _PROPERTIES:
        for sla in tree.entries("slaProperties"):
            if sla.string("property").lower() in spellings and (
                only or _is_about(sla.string("element") or default, names)
            ):
                hours = _hours(sla)
                if hours:
                    return hours
                value = f"{sla.string('value')} {sla.string('unit')}".strip()
                said = f"line {sla.line}: {sla.string('property')} '{value}'"
                notes.append(f"{said} is kept but not watched; write value: 24 and unit: h")
    return None


def _is_about(element: str, names: tuple[str, ...]) -> bool:
    """``element`` lists ``object.element`` by commas; without one an SLA is about all objects."""
    objects = [part.strip().partition(".")[0] for part in element.split(",")]
    return not element or any(one in names for one in objects)


def _hours(sla: Place) -> float | None:
    try:
        value = float(sla.string("value"))
    except ValueError:
        return None
    unit = sla.string("unit").lower()
    hours = _HOURS.get(unit) or _HOURS.get(unit.removesuffix("s"))
    return value * hours if hours and value > 0 else None
