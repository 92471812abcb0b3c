"""Writes a proposal as an ODCS contract whose comments are the evidence."""

from collections import Counter
from collections.abc import Iterator
from textwrap import wrap
from typing import Any

import yaml

from sluice.contracts.model import Booleans, Numbers
from sluice.infer.personal import CLASSIFICATION
from sluice.infer.proposal import Finding, Proposal
from sluice.readers.header import normalised, plain

_WIDTH = 110


def contract_text(proposal: Proposal, source: str) -> str:
    """The contract's YAML. ``source`` names the file in the first comment."""
    rejected = f"; {proposal.rejects:,} of them can't be split into cells" if proposal.rejects else ""
    comments = [f"Proposed by `sluice infer` from {proposal.records:,} records of {source}{rejected}."]
    comments += [*proposal.notes, f"Key: {proposal.key_evidence}."]
    comments += [f"Left out: the header cell {text!r} {why}." for text, why in proposal.left_out.items()]
    head = {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": normalised(proposal.dataset) or proposal.dataset,
        "version": "1.0.0", "status": "draft",
    }  # fmt: skip
    lines = [_comment(text) for text in comments] + [_yaml(head)]
    lines += ["schema:\n", _yaml([{"name": proposal.dataset}], 2), "    properties:\n"]
    alike = Counter(plain(column.header) for column in proposal.columns)
    for column in proposal.columns:
        lines += [_comment(text, 6) for text in _paragraphs(column.evidence)]
        lines.append(_yaml([_property(column, proposal.key, alike)], 6))
    return "".join(lines)


def _property(found: Finding, key: tuple[str, ...], alike: Counter[str]) -> dict[str, Any]:
    kind = found.kind
    made: dict[str, Any] = {"name": found.name, "logicalType": kind.logical}
    if kind.physical:
        made["physicalType"] = kind.physical
    if found.name in key:
        made |= {"primaryKey": True, "primaryKeyPosition": key.index(found.name) + 1}
    elif found.required:
        made["required"] = True
    if found.personal:
        made["classification"] = CLASSIFICATION
    options = dict(found.limits.options) | ({"timezone": True} if kind.zoned else {})
    if options:
        made["logicalTypeOptions"] = options
    if found.limits.values:
        allowed = {"validValues": found.limits.values}
        made["quality"] = [{"metric": "invalidValues", "arguments": allowed, "mustBe": 0}]
    # Capitals, spaces and signs do not count in a header, unless only they tell two of its cells apart.
    found_by_name = plain(found.header) == plain(found.name) and alike[plain(found.header)] == 1
    custom = {
        "sluice.aliases": [found.header] if found.header != found.name and not found_by_name else [],
        "sluice.formats": list(kind.formats),
        "sluice.nullValues": list(kind.nulls),
        "sluice.numbers": _numbers(kind.numbers),
        "sluice.booleans": _booleans(kind.booleans),
    }
    listed = [{"property": name, "value": value} for name, value in custom.items() if value]
    return made | ({"customProperties": listed} if listed else {})


def _numbers(numbers: Numbers | None) -> dict[str, Any]:
    if numbers is None:
        return {}
    lists = {"thousands": numbers.thousands, "units": numbers.units, "negatives": numbers.negatives}
    return {"decimal": numbers.decimal} | {name: list(texts) for name, texts in lists.items() if texts}


def _booleans(words: Booleans | None) -> dict[str, Any]:
    return {"true": list(words.true), "false": list(words.false)} if words else {}


def _comment(text: str, indent: int = 0) -> str:
    """One line, whatever the text holds."""
    flat = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return f"{' ' * indent}# {flat}\n"


def _paragraphs(evidence: list[str]) -> Iterator[str]:
    """What a person should look at stands on lines of its own, the rest together."""
    alarming = [text for text in evidence if any(sign in text for sign in (" not: ", "AMBIGUOUS", "lost"))]
    yield from alarming
    rest = "; ".join(text for text in evidence if text not in alarming)
    yield from wrap(rest, _WIDTH, break_long_words=False, break_on_hyphens=False)


class _Dumper(yaml.SafeDumper):
    """Short lists and mappings stand on one line, lists are indented: as people write YAML."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def represent_data(self, data: Any) -> yaml.Node:
        node: yaml.Node = super().represent_data(data)
        short = isinstance(data, list | dict) and len(repr(data)) < _WIDTH - 20
        listing = isinstance(data, list) or (
            isinstance(data, dict) and any(isinstance(one, list) for one in data.values())
        )
        if short and listing and isinstance(node, yaml.CollectionNode):
            node.flow_style = _is_flat(data)
        return node


def _is_flat(data: list[Any] | dict[str, Any]) -> bool:
    values = data if isinstance(data, list) else list(data.values())
    return all(not isinstance(one, dict) and (not isinstance(one, list) or _is_flat(one)) for one in values)


def _yaml(value: Any, indent: int = 0) -> str:
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10**9)
    return "".join(f"{' ' * indent}{line}" for line in text.splitlines(keepends=True))
