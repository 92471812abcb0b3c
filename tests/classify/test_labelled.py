"""How well columns are classified: F1 over two labelled samples that share no header."""

from collections import Counter

import pytest

from tests.classify.labelled import labelled

AT_ONCE = 12


@pytest.fixture
def outcome(classified):
    """Pairs of the right class and the found one, and the columns that were mistaken."""

    def run(seed, edition):
        columns = labelled(seed, edition)
        pairs, mistaken = [], []
        for start in range(0, len(columns), AT_ONCE):
            part = columns[start : start + AT_ONCE]
            # A key before them, so that the first header cell is never empty and tables differ in nothing else.
            headers = ["row", *(one.header for one in part)]
            numbers = [str(n) for n in range(len(part[0].cells))]
            found = classified(headers, [numbers, *(one.cells for one in part)])
            for one, verdict in zip(part, found[1:], strict=True):
                pairs.append((one.kind, verdict.kind))
                if one.kind != verdict.kind:
                    mistaken.append((one.kind, one.header, verdict.kind, verdict.evidence, one.cells[:3]))
        return pairs, mistaken

    return run


def f1(pairs):
    """F1 of each class."""
    right = Counter(wanted for wanted, found in pairs if wanted == found)
    wanted, found = Counter(one for one, _ in pairs), Counter(one for _, one in pairs)
    return {kind: 2 * right[kind] / (wanted[kind] + found[kind]) for kind in wanted | found}


@pytest.mark.parametrize(("seed", "edition"), [(11, 0), (12, 0), (2024, 1), (2025, 1)])
def test_columns_are_classified_with_an_f1_of_95_percent(outcome, seed, edition):
    pairs, mistaken = outcome(seed, edition)
    scores = f1(pairs)
    print({kind: round(score, 3) for kind, score in sorted(scores.items())})  # noqa: T201
    assert len(pairs) >= 120
    assert len(scores) == 16
    assert sum(scores.values()) / len(scores) >= 0.95, mistaken
    assert sum(a == b for a, b in pairs) / len(pairs) >= 0.95, mistaken
    personal = [(a, b) for a, b in pairs if (a, b) != ("none", "none")]
    right = sum(a == b for a, b in personal)
    assert 2 * right / sum((a != "none") + (b != "none") for a, b in personal) >= 0.95, mistaken


def test_the_samples_share_no_header_that_tells_anything():
    first, second = ({one.header.lower() for one in labelled(seed, seed)} for seed in (0, 1))
    assert first & second <= {""}
    assert sum(one.header == "" for one in labelled(0, 0)) >= 10
