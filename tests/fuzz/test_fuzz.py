"""Mutated files of every format: no crash, no hang, no memory past the limit, nothing left behind."""

import io
import os
import time
from pathlib import Path

import pytest

from sluice.errors import SetupError
from sluice.readers import open_table
from sluice.readers.export import export
from sluice.readers.json.form import Form
from sluice.readers.text.records import records
from sluice.readers.text.tokens import Dialect

from .hostile import chained_quotes
from .hunt import hunt
from .seeds import all_seeds, text

SECONDS = float(os.environ.get("SLUICE_FUZZ_SECONDS", "120"))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
@pytest.mark.timeout(SECONDS + 300)
def test_no_mutated_file_breaks_the_reader(tmp_path: Path) -> None:
    result = hunt(SECONDS, seed=int(os.environ.get("SLUICE_FUZZ_SEED", "1")), keep=tmp_path)
    assert result.executions > SECONDS / 10
    assert result.outcomes["read"]
    assert result.outcomes["ReadError"]
    assert not result.findings, {kind: names[:3] for kind, names in result.findings.items()}


@pytest.mark.parametrize("family", ["text", "json", "wrapped", "workbook", "columnar"])
def test_every_seed_is_read(family: str, tmp_path: Path) -> None:
    for name, content in all_seeds()[family].items():
        (tmp_path / name).write_bytes(content)
        assert _records(tmp_path / name), name


def _records(path: Path, **options: str) -> int:
    table = open_table(path, options)
    with (path.parent / "out").open("w+", encoding="utf-8", newline="") as out:
        found = export(table, out, path.parent, 300, 1)
    table.close()
    return found.records


def test_a_bad_line_beyond_the_first_batch_is_repaired_by_export(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"id,amount\n" + b"1,2.5\n" * 20_000 + b"1,2,3\n" + b"1,2.5\n" * 20_000)
    assert _records(tmp_path / "x") == 40_001


def test_quotes_that_chain_lines_and_never_close_take_one_pass(tmp_path: Path) -> None:
    chained_quotes(tmp_path / "x")
    with (tmp_path / "x").open(encoding="utf-8", newline="") as file:
        begin = time.process_time()
        assert len(list(records(file, Dialect(",", '"', '"')))) == 200_003
    assert time.process_time() - begin < 10


def test_a_quoted_cell_of_many_lines_with_quotes_takes_one_pass() -> None:
    cell = 'say ""x""\n' * 100_000
    begin = time.process_time()
    (found,) = records(io.StringIO(f'1,"{cell}"\n', newline=""), Dialect(",", '"', '"'))
    assert found.cells == ["1", cell.replace('""', '"')]
    assert time.process_time() - begin < 5


def test_utf_16_without_a_bom_is_read_when_it_is_named(tmp_path: Path) -> None:
    for code in ("utf-16-le", "utf-16-be"):
        (tmp_path / "x").write_bytes(text().encode(code))
        assert _records(tmp_path / "x", encoding="utf-16") == 24


def test_a_codec_that_is_no_encoding_of_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"a,b\n1,\xff\n")
    for name in ("idna", "punycode", "undefined", "hex"):
        with pytest.raises(SetupError, match="There is no encoding"):
            open_table(tmp_path / "x", {"encoding": name})


def test_many_names_in_json_take_one_pass() -> None:
    form, begin = Form(), time.process_time()
    for start in range(0, 20_000, 100):
        form._ordered([f"c{n}" for n in range(start, start + 100)])
    form._ordered(["first", "c5", "after 5", "c6"])
    names = list(form.members)
    at = names.index("c5")
    assert names[:2] == ["first", "c19900"]
    assert names[at : at + 3] == ["c5", "after 5", "c6"]
    assert time.process_time() - begin < 5
