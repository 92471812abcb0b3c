"""What the labels of an issue say about its severity, its priority and its status."""

import re
from collections.abc import Iterable

# By grade: words that are a label of their own, and those that need the subject before them. docs/github.md shows them.
_SEVERITY = {
    "critical": ({"critical", "blocker", "crash", "data loss", "s1", "sev1"}, {"0", "1"}),
    "high": ({"major", "s2", "sev2"}, {"high", "2"}),
    "medium": ({"moderate", "s3", "sev3"}, {"medium", "normal", "3"}),
    "low": ({"minor", "trivial", "cosmetic", "s4", "sev4"}, {"low", "4"}),
}
_PRIORITY = {
    "critical": ({"urgent", "p0"}, {"critical", "0"}),
    "high": ({"p1"}, {"high", "1"}),
    "medium": ({"p2"}, {"medium", "normal", "2"}),
    "low": ({"p3", "p4"}, {"low", "3", "4"}),
}
_BLOCKED = {"blocked", "on hold", "waiting"}
_AT_WORK = {"in progress", "wip", "doing", "started"}
_SUBJECT = re.compile(r"^(severity|sev|impact|priority|prio|status|state)\s+(.+)$")
_SUBJECTS = {
    "severity": "severity",
    "sev": "severity",
    "impact": "severity",
    "priority": "priority",
    "prio": "priority",
    "status": "status",
    "state": "status",
}
DEFAULT = "medium"  # severity, which every bug has


def severity(labels: Iterable[str]) -> str:
    """The gravest that a label names; medium where none does."""
    return _gravest("severity", _SEVERITY, labels) or DEFAULT


def priority(labels: Iterable[str]) -> str | None:
    """The highest that a label names; None where none does."""
    return _gravest("priority", _PRIORITY, labels)


def at_work(labels: Iterable[str]) -> str | None:
    """``blocked`` or ``in_progress``, where a label of an open issue says so."""
    words = {word for subject, word in map(_read, labels) if subject in ("", "status")}
    return "blocked" if words & _BLOCKED else "in_progress" if words & _AT_WORK else None


def _gravest(about: str, grades: dict[str, tuple[set[str], set[str]]], labels: Iterable[str]) -> str | None:
    read = [_read(label) for label in labels]
    alone = {word for subject, word in read if not subject}
    told = {word for subject, word in read if subject == about}
    for grade, (own, more) in grades.items():
        if alone & own or told & (own | more):
            return grade
    return None


def _read(label: str) -> tuple[str, str]:
    """Subject, empty for none, and word of a label: of 'Severity: High' and 'severity/high' the same."""
    text = " ".join(re.split(r"[^a-z0-9]+", label.lower())).strip()
    found = _SUBJECT.match(text)
    return (_SUBJECTS[found[1]], found[2]) if found else ("", text)
