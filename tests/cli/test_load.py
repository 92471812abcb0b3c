"""``sluice load`` and what follows it: rejects, replay, trace."""

import csv
import signal
import subprocess
import time

import psycopg
import pytest
from openpyxl import load_workbook
from psycopg.conninfo import make_conninfo

from tests.cli.conftest import ITEMS, Answer, Shell

FIELDS = {
    "job_id",
    "dataset",
    "status",
    "read",
    "published",
    "unchanged",
    "superseded",
    "rejected",
    "reasons",
}
FIELDS |= {"seconds", "rows_per_second", "peak_memory_mb"}


def newest(shell: Shell) -> dict[str, str]:
    found: dict[str, str] = shell.run("jobs", "-n", "1", "--json").json[0]
    return found


def test_json_is_one_object_whose_counts_add_up(first: Answer) -> None:
    said = first.json
    assert said.keys() >= FIELDS
    assert said["seconds"].keys() == {"acquire", "read", "audit", "publish", "total"}
    counts = [said[name] for name in ("published", "unchanged", "superseded", "rejected")]
    assert (said["read"], counts) == (6, [2, 0, 1, 3])
    assert said["reasons"] == {"required": 1, "maximum": 1, "not_an_integer": 1}
    assert said["drift"] == ["shop"]
    assert first.err == ""


def test_without_json_a_table_says_it_and_a_pipe_hears_nothing_else(second: Answer) -> None:
    header, line, *_ = second.out.splitlines()
    assert header.split()[:6] == ["file", "dataset", "read", "published", "unchanged", "rejected"]
    assert line.split()[:6] == ["second.csv", "items", "3", "2", "1", "0"]
    assert (second.code, second.err) == (0, "")


def test_the_jobs_are_listed_newest_first(shell: Shell, second: Answer) -> None:
    listed = shell.run("jobs", "--json").json
    files = [row["filename"] for row in listed]
    assert files.index("second.csv") < files.index("first.csv")
    assert "second.csv" in shell.run("jobs").out


def test_a_job_is_found_by_the_beginning_of_its_id(shell: Shell, first: Answer) -> None:
    job = first.json["job_id"]
    assert shell.run("jobs", job[:12], "--json").json["job_id"] == job


def test_rejects_show_where_each_stood_and_why(shell: Shell, first: Answer) -> None:
    answer = shell.run("rejects", first.json["job_id"], "--json")
    rows = answer.json
    assert [(row["record_no"], row["line"], row["column_name"], row["reason"]) for row in rows] == [
        (3, 4, "title", "required"),
        (4, 5, "quantity", "maximum"),
        (5, 6, "quantity", "not_an_integer"),
    ]
    assert rows[2]["raw"] == "e;Eel;many;south"


def test_a_job_without_rejects_has_an_empty_array_of_them(shell: Shell, second: Answer) -> None:
    job = second.out.split("job ")[1].split(";")[0].strip()
    assert shell.run("rejects", job, "--json").json == []


def test_lines_around_the_table_are_counted_and_shown(shell: Shell) -> None:
    text = (
        "Stock of the north\nas of 2026-01-31\n\nsku;title;quantity\nx1;Axe;1\nx2;Bow;2\n\nTotal: 3 pieces\n"
    )
    (shell.folder / "around.csv").write_text(text)
    answer = shell.run("load", "around.csv", "--dataset", "items", "--json")
    said = answer.json
    assert (said["read"], said["published"]) == (2, 2)
    assert said["lines"] == {"preamble": 2, "blank": 2, "header": 1, "footer": 1}
    assert said["read"] + sum(said["lines"].values()) == len(text.splitlines())
    again = shell.run("load", "around.csv", "--dataset", "items", "--force")
    assert "lines that hold no record: 2 preamble, 1 footer" in again.out


def test_a_place_that_can_not_be_written_is_told_and_nothing_is_left(shell: Shell, first: Answer) -> None:
    (shell.folder / "taken.csv").mkdir()
    for place in ("nowhere/x.csv", "taken.csv"):
        answer = shell.run("rejects", first.json["job_id"], "--out", place)
        assert (answer.code, answer.out) == (2, "")
        assert answer.err.startswith(f"error: {place} can't be written: ")
    assert not list(shell.folder.glob(".*partial"))


def test_a_reader_that_leaves_changes_no_exit_code(shell: Shell, first: Answer) -> None:
    process = shell.start("rejects", first.json["job_id"], "--json")
    assert process.stdout
    process.stdout.close()
    assert process.wait(60) == 0
    assert process.stderr
    assert process.stderr.read() == ""


def test_exported_rejects_are_corrected_and_loaded(shell: Shell, second: Answer) -> None:
    with (shell.folder / "rejects.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["sku"], row["title"], row["quantity"], row["shop"]) for row in rows] == [
        ("c", "", "3", "north"),
        ("d", "Drum", "500", "south"),
        ("e", "Eel", "many", "south"),
    ]
    assert rows[0]["_sluice_reason"] == "required"
    (found,) = shell.run("trace", "items", "c", "--json").json
    assert (found["file"], found["row"]["title"]) == ("second.csv", "Cog")


def test_rejects_are_exported_to_excel(shell: Shell, first: Answer) -> None:
    assert (
        shell.run("rejects", first.json["job_id"], "--out", "rejects.xlsx").out
        == "3 rejects in rejects.xlsx\n"
    )
    sheet = load_workbook(shell.folder / "rejects.xlsx")["rejects"]
    header, *rows = sheet.iter_rows(values_only=True)
    assert header[:4] == ("sku", "title", "quantity", "shop")
    assert [row[0] for row in rows] == ["c", "d", "e"]


@pytest.mark.parametrize(
    ("load", "number", "fate"),
    [
        ("first", 2, "published"),
        ("first", 1, "superseded"),
        ("first", 5, "rejected"),
        ("second", 1, "unchanged"),
    ],
)
def test_a_record_is_traced_to_its_fate(
    shell: Shell, first: Answer, second: Answer, load: str, number: int, fate: str
) -> None:
    job = first.json["job_id"] if load == "first" else second.out.split("job ")[1].split(";")[0].strip()
    found, *_ = shell.run("trace", job, "--record", str(number), "--json").json  # a replay may follow
    assert found["fate"].startswith(fate)
    assert found["file"] == f"{load}.csv"


def test_a_row_is_traced_to_its_file_record_contract_and_rules(shell: Shell, first: Answer) -> None:
    answer = shell.run("trace", "items", "b")
    assert (answer.code, answer.err) == (0, "")
    for text in ("first.csv", "items 1.0.0", first.json["job_id"], first.json["flow_run_id"], "maximum"):
        assert text in answer.out
    (found,) = shell.run("trace", "items", "b", "--json").json
    assert (found["record"], found["row"]["title"]) == (2, "Bolt")


def test_what_is_not_there_can_not_be_traced(shell: Shell, first: Answer) -> None:
    assert shell.run("trace", "items", "nobody").code != 0
    assert shell.run("trace", first.json["job_id"], "--record", "7").code != 0


def test_after_a_fix_of_the_contract_a_replay_loads_only_the_rejects(shell: Shell, first: Answer) -> None:
    shell.contract(ITEMS.replace("maximum: 100", "maximum: 1000"))
    try:
        answer = shell.run("replay", first.json["job_id"], "--json")
    finally:
        shell.contract(ITEMS)
    said = answer.json
    assert (answer.code, said["read"]) == (0, 3)
    assert said["reasons"].keys() == {"required", "not_an_integer"}
    (found,) = shell.run("trace", "items", "d", "--json").json
    assert found["row"]["quantity"] == 500
    (origin,) = found["replayed_from"]
    assert (origin["file"], origin["record"], origin["line"]) == ("first.csv", 4, 5)
    assert "first.csv" in shell.run("trace", "items", "d").out
    rejected, published = shell.run("trace", first.json["job_id"], "--record", "4", "--json").json
    assert (rejected["fate"], published["fate"]) == ("rejected", "published")
    again = shell.run("replay", first.json["job_id"])
    assert (again.code, again.out) == (1, "")
    assert "no rejects left to replay" in again.err


def test_a_mode_that_there_is_not_is_named(shell: Shell, first: Answer) -> None:
    answer = shell.run("replay", first.json["job_id"], "--mode", "foo")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.splitlines()[0] == "error: There is no mode 'foo'."


def test_a_trace_is_of_a_key_or_of_a_record(shell: Shell, first: Answer) -> None:
    for words in (("items",), ("items", "b", "--record", "1")):
        answer = shell.run("trace", *words)
        assert (answer.code, answer.out) == (2, "")
        assert "sluice trace DATASET KEY, or" in answer.err


def test_a_trace_shows_values_as_they_stand(shell: Shell, first: Answer) -> None:
    (shell.folder / "years.csv").write_text("sku,title,quantity,year\nyears,Years,-2020,2020\n")
    assert shell.run("load", "years.csv", "-d", "items").code == 0
    assert "-2020\n" in shell.run("trace", "items", "years").out


def test_data_that_is_refused_gives_code_1_and_one_sentence(shell: Shell, first: Answer) -> None:
    (shell.folder / "other.csv").write_text("one,two\n1,2\n")
    answer = shell.run("load", "other.csv", "-d", "items")
    assert (answer.code, answer.out) == (1, "")
    assert len(answer.err.splitlines()) == 2, answer.err
    said, advice = answer.err.splitlines()
    assert said.startswith("error: ")
    assert "None of the input's columns belongs to items" in said
    assert advice.startswith("  next: ")
    assert newest(shell)["status"] == "failed"


def begin_large(shell: Shell) -> subprocess.Popen[str]:
    """A load in a process of its own that is reading its 300,000 records now."""
    with (shell.folder / "big.csv").open("w") as file:
        file.write("sku,title,quantity\n")
        file.writelines(f"big-{number},Title of {number},{number % 100}\n" for number in range(300_000))
    process = shell.start("load", "big.csv", "-d", "items", start_new_session=True)
    deadline = time.monotonic() + 60
    while not list((shell.folder / "home" / "stage").glob("job_*/*/rows.parquet")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process


def test_the_run_of_a_killed_load_ends_with_the_next_one(shell: Shell, first: Answer) -> None:
    process = begin_large(shell)
    process.kill()
    process.communicate(timeout=60)
    killed = newest(shell)
    (shell.folder / "after.csv").write_text("sku,title,quantity\nafter,After,1\n")
    assert shell.run("load", "after.csv", "-d", "items").code == 0
    job = shell.run("jobs", killed["job_id"], "--json").json
    assert (job["filename"], job["status"]) == ("big.csv", "failed")
    url = make_conninfo(shell.run("db", "url").out.strip(), dbname="prefect")
    with psycopg.connect(url) as connection:
        query = "SELECT state_type::text FROM flow_run WHERE id = %s::uuid"
        assert connection.execute(query, [killed["flow_run_id"]]).fetchone() == ("CRASHED",)


def test_ctrl_c_in_mid_load_leaves_nothing_half_done(shell: Shell, first: Answer) -> None:
    process = begin_large(shell)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "stopped; nothing was half-done.\n")
    job = newest(shell)
    assert (job["filename"], job["status"]) == ("big.csv", "cancelled")
    said = shell.run("jobs", job["job_id"]).out
    assert "Interrupted by the user (Ctrl-C). Nothing was published." in said
    assert f"sluice replay {job['job_id']}" in said
    assert not list((shell.folder / "home" / "stage").glob("job_*"))
    left = "select (select count(*) from data.items where sku like 'big-%'),"
    left += " (select count(*) from pg_class where relname like 'incoming%')"
    assert shell.run("db", "psql", "-Atc", left).out == "0|0\n"
