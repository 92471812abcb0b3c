"""An ODCS YAML file as a tree that knows its line numbers and collects what is wrong with it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, NoReturn

import yaml

from sluice.errors import ContractError

_TRUE, _FALSE = {"true", "yes", "on"}, {"false", "no", "off"}
_MAX_DEPTH = 100


@dataclass(slots=True)
class Problems:
    """Everything wrong with one file, so that one error can say it all."""

    file: str
    found: set[tuple[int, str]] = field(default_factory=set)

    def add(self, line: int, text: str) -> None:
        """Note that something is wrong on ``line``; ``text`` also says what to write instead."""
        self.found.add((line, text))

    def stop(self) -> NoReturn:
        """Raise the one ContractError for all problems found, in line order."""
        ordered = sorted(self.found)
        message = "\n".join(f"{self.file} line {line}: {text}" for line, text in ordered)
        raise ContractError(message, file=self.file, line=ordered[0][0])

    def stop_if_any(self) -> None:
        """Raise ContractError if anything was found."""
        if self.found:
            self.stop()


@dataclass(slots=True)
class Place:
    """A value in the file: what it is, as what text it was written, and on which line.

    ``children`` are the entries of a mapping (by key) or list (by index). A child's line is that of its key.
    """

    value: Any
    line: int
    problems: Problems
    text: str = ""
    children: dict[Any, "Place"] = field(default_factory=dict)

    def get(self, key: str) -> "Place | None":
        """The entry ``key``; None where it is absent or null."""
        child = self.children.get(key) if isinstance(self.value, dict) else None
        return None if child is None or child.value is None else child

    def wrong(self, text: str, key: str = "") -> None:
        """Report a problem on this line, or on the line of the entry ``key``."""
        self.problems.add(self.children[key].line if key in self.children else self.line, text)

    def string(self, key: str) -> str:
        """The entry as text exactly as written; '' where absent."""
        child = self.get(key)
        if child is None:
            return ""
        if isinstance(child.value, dict | list):
            child.wrong(f"'{key}' must be one text, not a {_shape(child.value)}; write {key}: some text")
            return ""
        if "\0" in child.text:
            child.wrong(f"'{key}' holds a NUL character; remove it")
            return ""
        return child.text.strip()

    def flag(self, key: str) -> bool:
        """The entry as true or false; false where absent."""
        child = self.get(key)
        word = child.text.lower() if child else "false"
        if child and word not in _TRUE | _FALSE:
            child.wrong(f"{key} '{child.text}' is neither true nor false; write {key}: true or {key}: false")
        return word in _TRUE

    def number(self, key: str) -> int | float | None:
        """The entry as a number; None where absent."""
        child = self.get(key)
        if child is None:
            return None
        if isinstance(child.value, int | float) and not isinstance(child.value, bool):
            return child.value
        try:
            return int(child.text) if child.text.lstrip("+-").isdecimal() else float(child.text)
        except ValueError:
            child.wrong(
                f"{key} '{child.text or _shape(child.value)}' is not a number; write one, as {key}: 10"
            )
            return None

    def entries(self, key: str) -> list["Place"]:
        """The entries of a list of mappings; [] where absent."""
        child = self.get(key)
        if child is None:
            return []
        if not isinstance(child.value, list):
            child.wrong(f"'{key}' must be a list; begin each of its entries with '- '")
            return []
        for item in child.children.values():
            if not isinstance(item.value, dict):
                item.wrong(f"an entry of '{key}' must be key: value lines, not a {_shape(item.value)}")
        return [item for item in child.children.values() if isinstance(item.value, dict)]

    def scalars(self, key: str) -> list["Place"]:
        """The entries of a list of plain values (a single value counts as a list of one)."""
        child = self.get(key)
        if child is None:
            return []
        return list(child.children.values()) if isinstance(child.value, list) else [child]

    def walk(self, *keys: str) -> Iterator["Place"]:
        """Every entry of nested lists of mappings: ``walk('schema', 'properties')``."""
        for item in self.entries(keys[0]):
            if len(keys) == 1:
                yield item
            else:
                yield from item.walk(*keys[1:])

    def expect_keys(self, used: Iterable[str]) -> set[str]:
        """Report keys that look like a misspelling of one that Sluice uses; other unknown keys are fine.

        Returns the keys that were meant.
        """
        used, meant = set(used), set()
        for key in set(self.children) - used:
            near = nearest(str(key), used, 0.8)
            if near and key not in standard_keys():
                self.wrong(f"key '{key}' is not known; did you mean {near}?", key)
                meant.add(near)
        return meant


def _shape(value: object) -> str:
    if isinstance(value, dict):
        return "mapping"
    return "list" if isinstance(value, list) else "plain value"


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """The known word most like ``word`` in any capitals; '' if none is near."""
    by_lower = {name.lower(): name for name in known}
    near = get_close_matches(word.lower(), by_lower, 1, cutoff)
    return by_lower[near[0]] if near else ""


def advice(word: str, known: Iterable[str]) -> str:
    """``did you mean x? Write one of ...`` for a value that is not among the ``known``."""
    known = list(known)
    near = nearest(word, known)
    return (f"did you mean {near}? Write" if near else "write") + " one of " + ", ".join(known)


def standard_keys() -> set[str]:
    """Every key that the standard knows anywhere. Importing takes 0.1 s: only for a suspicious key."""
    import open_data_contract_standard.model as models
    from pydantic import BaseModel

    classes = [c for c in vars(models).values() if isinstance(c, type) and issubclass(c, BaseModel)]
    return {info.alias or name for c in classes for name, info in c.model_fields.items()}


class _Loader(yaml.CSafeLoader):
    """YAML by the 1.2 core rules: ``NO`` is Norway, ``12:30`` is text and so is a date."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(0|[1-9][0-9]*)|0x[0-9a-fA-F]+|0o[0-7]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf)|\.nan",
        "-+.0123456789",
    ),
    ("merge", "<<", "<"),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), [*_first] + [""] * (_tag == "null")
    )


def parse(content: bytes, file: str) -> Place:
    """The file as a tree of places. Raises ContractError if it is not YAML or not a mapping."""
    problems = Problems(file)
    loader = None
    try:
        loader = _Loader(content)
        node = loader.get_single_node()
        tree = _Builder(loader, problems).place(node, 1) if node else Place(None, 1, problems)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        why = " ".join(filter(None, (error.context, error.problem)))
        problems.add(
            mark.line + 1 if mark else 1, f"this is not YAML: {why}; check indentation, quotes and colons"
        )
        problems.stop()
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problems.add(1, f"this is not YAML text: {str(error).splitlines()[0]}; save the file as UTF-8")
        problems.stop()
    finally:
        if loader:
            loader.dispose()
    if not isinstance(tree.value, dict):
        tree.wrong("this is not a contract; begin it with 'apiVersion: v3.1.0' and 'kind: DataContract'")
        problems.stop()
    return tree


@dataclass(slots=True)
class _Builder:
    """Turns YAML nodes into places. A node that several aliases name is built once."""

    loader: _Loader
    problems: Problems
    built: dict[int, Place] = field(default_factory=dict)
    depth: int = 0

    def place(self, node: yaml.Node, line: int) -> Place:
        known = self.built.get(id(node))
        if known is None:
            self.depth += 1
            if self.depth > _MAX_DEPTH:
                self.problems.add(line, "this is nested too deeply, or an alias holds itself; write it out")
                self.problems.stop()
            known = self.built[id(node)] = self._build(node, line)
            self.depth -= 1
        return Place(known.value, line, self.problems, known.text, known.children)

    def _build(self, node: yaml.Node, line: int) -> Place:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, line)
        if isinstance(node, yaml.SequenceNode):
            items = {i: self.place(n, n.start_mark.line + 1) for i, n in enumerate(node.value)}
            return Place([item.value for item in items.values()], line, self.problems, "", items)
        return Place(_scalar(node), line, self.problems, node.value)

    def _mapping(self, node: yaml.MappingNode, line: int) -> Place:
        self._report_doubles(node)
        self.loader.flatten_mapping(node)
        items = {}
        for key, value in node.value:
            items[key.value if isinstance(key, yaml.ScalarNode) else str(key)] = self.place(
                value, key.start_mark.line + 1
            )
        return Place({key: item.value for key, item in items.items()}, line, self.problems, "", items)

    def _report_doubles(self, node: yaml.MappingNode) -> None:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen and key.value != "<<":
                    self.problems.add(
                        key.start_mark.line + 1, f"key '{key.value}' stands here a second time; remove one"
                    )
                seen.add(key.value)


def _scalar(node: yaml.Node) -> Any:
    kind, text = node.tag.rpartition(":")[2], node.value
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int":
        return int(text, 0) if text.lower().startswith(("0x", "0o")) else int(text)
    if kind == "float":
        return float(text.replace(".inf", "inf").replace(".Inf", "inf").replace(".nan", "nan"))
    return text
