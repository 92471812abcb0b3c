"""``sluice read``: any file as clean CSV, and what was made of it."""

import csv
import json

from tests.cli.conftest import Shell


def test_a_file_is_printed_as_clean_csv(shell: Shell) -> None:
    (shell.folder / "a.csv").write_bytes('naïve;"b;c"\r1;"two\nlines"\r'.encode("cp1252"))
    answer = shell.run("read", "a.csv")
    assert (answer.code, answer.err) == (0, "")
    assert list(csv.reader(answer.out.splitlines(keepends=True))) == [["naïve", "b;c"], ["1", "two\nlines"]]


def test_several_files_go_into_a_folder_and_what_is_no_table_is_named(shell: Shell) -> None:
    (shell.folder / "one.tsv").write_text("a\tb\n1\t2\n")
    (shell.folder / "two.json").write_text('[{"a": 1.50, "b": null}]')
    (shell.folder / "three.bin").write_bytes(bytes(range(256)) * 9)
    answer = shell.run("read", "one.tsv", "two.json", "three.bin", "--out-dir", "clean", "--json")
    assert answer.code == 1
    told = {entry["file"].rpartition("/")[2]: entry for entry in json.loads(answer.out)}
    assert told["three.bin"]["error"] == "ReadError"
    assert told["one.tsv"]["delimiter"] == "\t"
    assert (shell.folder / "clean" / "one.tsv.csv").read_bytes() == b"a,b\r\n1,2\r\n"
    assert (shell.folder / "clean" / "two.json.csv").read_bytes() == b"a,b\r\n1.50,\r\n"
    assert not (shell.folder / "clean" / "three.bin.csv").exists()


def test_records_without_clear_cells_are_told(shell: Shell) -> None:
    (shell.folder / "short.csv").write_text("a,b\n1,2\n3\n")
    told = shell.run("read", "short.csv", "--json").json
    assert (told["records"], told["rejects"]) == (2, 1)
    assert told["rejected"][0]["line"] == 3


def test_a_place_that_cannot_be_written_is_named_and_nothing_is_left_there(shell: Shell) -> None:
    (shell.folder / "good.csv").write_text("a,b\n1,2\n")
    answer = shell.run("read", "good.csv", "--out", "nowhere/x.csv")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("error: nowhere/x.csv can't be written:")
    (shell.folder / "broken.bin").write_bytes(bytes(range(256)) * 9)
    assert shell.run("read", "broken.bin", "--out", "x.csv").code == 1
    assert not list(shell.folder.glob("*x.csv*"))
