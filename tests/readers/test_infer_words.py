"""Dates with months in other languages and accounting zeros, as `sluice infer` proposes them."""

import pytest

from sluice.contracts.compile import compile_contract
from sluice.infer import propose
from sluice.infer.odcs import contract_text
from sluice.readers import open_table

MONTHS = {
    "d. MMMM yyyy": ["3. Januar 2024", "14. März 2024", "28. Dezember 2023"],
    "d MMMM yyyy": ["3 janvier 2024", "14 février 2024", "28 décembre 2023"],
    "d 'de' MMMM 'de' yyyy": ["3 de enero de 2024", "14 de febrero de 2024", "28 de agosto de 2023"],
    "d-MMM-yy": ["3-Mrz-24", "14-Okt-24", "28-Dez-23"],
    "d MMM yyyy": ["3 gen 2024", "14 ott. 2024", "28 mrt 2023"],
    "MMMM d, yyyy": ["January 3, 2024", "March 14, 2024", "August 28, 2023"],
}


@pytest.fixture
def reread(write, load, tmp_path):
    """The column `c` of texts as proposed, and the values that a load with the contract gives."""

    def run(texts):
        path = write("key|c\n" + "".join(f"k{n}|{text}\n" for n, text in enumerate(texts)))
        found = propose(open_table(path, work=tmp_path), "things", tmp_path)
        (contract,) = compile_contract(contract_text(found, "x").encode(), tmp_path / "things.odcs.yaml")
        return found.columns[1], load(path, contract).values("c")

    return run


@pytest.mark.parametrize("pattern", MONTHS)
def test_months_are_dates_in_six_languages(reread, pattern):
    found, values = reread(MONTHS[pattern] * 5)
    assert (found.kind.logical, found.kind.formats) == ("date", (pattern,))
    assert None not in values


def test_a_dash_beside_negatives_in_parentheses_is_zero(reread):
    found, values = reread(["(1,234.50)", "12.00", "-", "7.25"] * 5)
    assert values[2] == 0
    assert "'-' is 0, as beside negatives in parentheses" in found.evidence


def test_a_dash_among_other_numbers_is_empty(reread):
    assert reread(["34.50", "12.00", "-", "7.25"] * 5)[1][2] is None
