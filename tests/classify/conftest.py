"""A file classified as the command does it, from its bytes on."""

import csv
from contextlib import closing

import pytest

from sluice.classify import classify
from sluice.readers import open_table


@pytest.fixture
def classified(tmp_path):
    """Takes headers and columns of cells, writes a CSV file and classifies it."""

    def run(headers, columns, contract=None):
        path, work = tmp_path / "table.csv", tmp_path / "work"
        work.mkdir(exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(headers)
            writer.writerows(zip(*columns, strict=True))
        with closing(open_table(path, work=work)) as table:
            return classify(table, work, contract).columns

    return run
