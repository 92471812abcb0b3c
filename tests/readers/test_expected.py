"""A header that only the contract's names tell from a record."""

import openpyxl
import pytest

from sluice.readers import open_table
from tests.readers.conftest import cells


@pytest.fixture
def numbered(tmp_path):
    """A sheet whose first row holds numbers like all others."""
    made = openpyxl.Workbook()
    for row in ([7, 8, 9], [70, 80, 90], [71, 81, 91]):
        made.active.append(row)
    made.save(tmp_path / "numbered.xlsx")
    return tmp_path / "numbered.xlsx"


@pytest.mark.parametrize("names", [set(), {"7"}])
def test_a_row_of_numbers_is_a_record(numbered, names):
    table = open_table(numbered)
    table.expect(names.__contains__)
    assert table.header == ("column_1", "column_2", "column_3")
    assert len(cells(table)) == 3


def test_a_row_of_numbers_that_the_contract_knows_is_the_header(numbered):
    table = open_table(numbered)
    table.expect({"7", "9"}.__contains__)
    assert table.header == ("7", "8", "9")
    assert cells(table) == [["70", "80", "90"], ["71", "81", "91"]]
    assert table.account.lines["header"] == 1
