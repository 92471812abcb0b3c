"""Proposed contracts: they load, and loading the same file rejects only what the evidence names."""

import csv
import datetime as dt
import io
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sluice.contracts.compile import compile_contract
from sluice.errors import ReadError
from sluice.infer import propose
from sluice.infer.odcs import contract_text
from sluice.readers import open_table

SAMPLES = Path(__file__).parents[2] / "sample-data"


@pytest.fixture
def inferred(write, load, tmp_path):
    """The contract proposed for a file, its findings by column, and the file staged with it."""

    def run(content, dataset="things"):
        path = content if isinstance(content, Path) else write(content)
        work = tmp_path / "work"
        work.mkdir(exist_ok=True)
        found = propose(open_table(path, work=work), dataset, work)
        text = contract_text(found, path.name)
        (contract,) = compile_contract(text.encode(), Path("things.odcs.yaml"))
        return contract, {one.name: one for one in found.columns}, load(path, contract)

    return run


def sheet(**columns):
    """Columns of equal length as CSV."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return out.getvalue()


def days(pattern, count=60):
    return [(dt.date(2024, 1, 20) + dt.timedelta(days=n)).strftime(pattern) for n in range(count)]


def test_the_evidence_names_the_cells_that_are_not_of_the_type(inferred):
    contract, found, staged = inferred(sheet(id=range(60), day=["soon", "31.31.2025", *days("%d.%m.%Y", 58)]))
    assert contract.primary_key == ("id",)
    assert contract.column("day").formats == ("%d.%m.%Y",)
    assert found["day"].evidence[0] == "58 of 60 cells are dates dd.MM.yyyy; 2 are not: '31.31.2025', 'soon'"
    assert staged.reasons == [(1, "day", "not_a_date"), (2, "day", "not_a_date")]


@pytest.mark.parametrize(
    ("texts", "duckdb_type", "numbers"),
    [
        (["1.234,50", "12,25", "-3,00"], "DECIMAL(12,2)", (",", ("." ,))),
        (["1 234,5", "1 234 567,25"], "DECIMAL(12,2)", (",", (" ",))),
        (["1'234.5", "7.25"], "DECIMAL(12,2)", (".", ("'",))),
        (["12,34,567.5", "1,234.25"], "DECIMAL(12,2)", (".", (",",))),
        (["1,234", "12,345,678"], "BIGINT", (".", (",",))),
        (["1.234.567", "1.000"], "BIGINT", (",", (".",))),
        (["(12.50)", "3.25", "12.50-"], "DECIMAL(12,2)", (".", ())),
        (["$ 5.00", "-$7.50"], "DECIMAL(12,2)", (".", ())),
        (["1.5", "2.25"], "DECIMAL(12,2)", None),
        (["1.5e-7", "2.25"], "DOUBLE", None),
        (["1.123456", "2.2"], "DOUBLE", None),
    ],
)  # fmt: skip
def test_numbers_as_they_are_written(inferred, texts, duckdb_type, numbers):
    contract, _, staged = inferred(sheet(key=[f"k{n}" for n in range(20)], v=(texts * 20)[:20]))
    column = contract.column("v")
    assert column.duckdb_type == duckdb_type
    assert (column.numbers and (column.numbers.decimal, column.numbers.thousands)) == numbers
    assert staged.rejects == []
    assert None not in staged.values("v")


@pytest.mark.parametrize(
    "texts", [["007", "12"], ["5 €", "7 $"], ["+49301234567", "+49307654321"], ["12a", "13"]]
)
def test_what_is_no_number_stays_text(inferred, texts):
    contract, _, staged = inferred(sheet(key=[f"k{n}" for n in range(20)], v=(texts * 20)[:20]))
    assert contract.column("v").duckdb_type == "VARCHAR"
    assert staged.values("v") == (texts * 20)[:20]


def test_the_whole_column_tells_day_first_from_month_first(inferred):
    contract, _, staged = inferred(sheet(a=days("%d/%m/%Y"), b=days("%m/%d/%Y")))
    assert contract.column("a").formats == ("%d/%m/%Y",)
    assert contract.column("b").formats == ("%m/%d/%Y",)
    assert staged.values("a") == staged.values("b")


@pytest.mark.parametrize(("pattern", "chosen"), [("%d/%m/%Y", "%d/%m/%Y"), ("%m/%d/%Y", "%m/%d/%Y")])
def test_ambiguous_dates_are_said_and_decided_by_another_column(inferred, pattern, chosen):
    open_ = [f"{1 + n % 12:02}/{1 + n % 7:02}/2024" for n in range(60)]
    contract, found, _ = inferred(sheet(open=open_, clear=days(pattern)))
    assert contract.column("open").formats == (chosen,)
    assert any("AMBIGUOUS" in line and "column clear" in line for line in found["open"].evidence)


def test_words_for_yes_and_empty(inferred):
    contract, _, staged = inferred(
        sheet(id=range(30), ok=["Ja", "nein", "k.A."] * 10, n=["-", "5", "7"] * 10)
    )
    assert contract.column("ok").booleans.true == ("ja",)
    assert staged.values("ok")[:3] == [True, False, None]
    assert staged.values("n")[:3] == [None, 5, 7]
    assert not staged.rejects


def test_limits_keys_and_personal_data(inferred):
    rows = range(100)
    contract, found, staged = inferred(
        sheet(
            Code=[f"AB-{n:03}" for n in rows], **{"E-Mail": [f"a{n}@example.com" for n in rows]},
            state=["open", "paid"] * 50, amount=rows, account=["DE89370400440532013000"] * 100,
        )
    )  # fmt: skip
    rules = {rule.id: rule.failing_rows for rule in contract.rules}
    assert contract.primary_key == ("code",)
    assert "'^AB-[0-9]{3}$'" in rules["code.pattern"]
    assert {"e_mail.format", "state.enum", "amount.minimum"} <= rules.keys()
    assert [one.name for one in found.values() if one.personal] == ["e_mail", "account"]
    assert "e_mail.enum" not in rules
    assert staged.stage.drift == ()


def test_columns_together_are_a_key_where_none_is_alone(inferred):
    grid = [(country, year, 3 * n) for n, country in enumerate("abcdefgh") for year in range(2000, 2010)]
    country, year, pushes = zip(*grid, strict=True)
    contract, _, _ = inferred(sheet(country=country, pushes=pushes, year=year))
    assert contract.primary_key == ("country", "year")


def test_codes_that_a_spreadsheet_cut_stay_text_with_a_warning(inferred):
    contract, found, staged = inferred(sheet(n=range(20), ref=["1.23E+11", "123456789012"] * 10))
    assert contract.column("ref").duckdb_type == "VARCHAR"
    assert "last digits are lost: '1.23E+11'" in found["ref"].evidence[0]
    assert staged.values("ref")[:2] == ["1.23E+11", "123456789012"]


def test_many_different_texts_are_counted_without_a_copy_of_them(inferred):
    rows = range(60_000)
    contract, found, staged = inferred(
        sheet(
            id=rows, ref=[f"R-{n:06}" for n in rows], near=[*rows[:-1], 5], amount=[f"{n},50" for n in rows],
            day=[f"{1 + n % 28}/1/{2000 + n % 20}" if n else "soon" for n in rows], gap=["n/a", *rows[1:]],
        )
    )  # fmt: skip
    assert contract.primary_key == ("id",)
    assert found["ref"].repeats == 0
    assert found["near"].repeats
    assert "each value once" not in found["near"].evidence
    assert found["gap"].kind.nulls == ("n/a",)
    assert contract.column("amount").duckdb_type == "DECIMAL(12,2)"
    assert [r["raw"].count("soon") for r in staged.rejects] == [1]


def test_odd_headers_load(inferred):
    contract, _, staged = inferred("3rd,,Name,name,ctid,Größe (cm)\n" + "1,b,c,d,e,f\n2,b,c,d,e,f\n" * 5)
    assert contract.column("column_3rd").duckdb_type == "BIGINT"
    assert len(contract.columns) == 6
    assert staged.stage.drift == ()


@pytest.mark.parametrize("name", sorted(p.name for p in SAMPLES.glob("*[a-z0-9].csv")))
def test_sample_files_break_only_the_rules_that_the_evidence_names(inferred, name):
    contract, found, staged = inferred(SAMPLES / name)
    unnamed = [r for r in staged.rejects if r["column"] and not found[r["column"]].kind.bad]
    assert unnamed == []
    for rule in contract.rules:
        if not rule.failing_rows or rule.column in contract.primary_key:
            continue
        sql = f"SELECT count(*) FROM read_parquet('{staged.stage.rows_path}') WHERE {rule.failing_rows}"
        with duckdb.connect() as connection:
            (failing,) = connection.execute(sql).fetchone()
        assert not failing or any("are not:" in line for line in found[rule.column].evidence), rule.id


CELLS = st.sampled_from(
    ["", " ", "1", "007", "1,5", "1.234", "(3)", "5 €", "5%", "31/01/2024", "2024-01-31", "31.01.24", "NULL", "-", "ja",
     "no", "10:11", "{}", "a@b.co", "x\ny", "'", "#", "−5", "1e5", "NaN", "2024-01-31T10:00:00Z", "yes: no", "\\", "%"]
)  # fmt: skip


@given(st.lists(st.lists(CELLS, min_size=12, max_size=12), min_size=1, max_size=4))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_table_gives_a_contract_that_loads_it(inferred, columns):
    table = {f"Col {n}": texts for n, texts in enumerate([[f"k{n}" for n in range(12)], *columns])}
    _, found, staged = inferred(sheet(**table))
    untyped = [r["column"] for r in staged.rejects if r["column"]]  # others the reader could not split
    assert set(untyped) <= {one.name for one in found.values() if one.kind.bad}
    assert len(untyped) == sum(one.kind.bad for one in found.values())


def test_a_unique_column_of_few_records_is_a_key_only_by_its_name_or_shape(inferred):
    words = [f"{chr(97 + n)}{chr(105 + n)} thing" for n in range(12)]
    codes = [f"AB-{n:03}" for n in range(12)]
    assert inferred(sheet(found_in=words, note=words))[0].primary_key == ()
    assert inferred(sheet(found_in=words, slug=words))[0].primary_key == ("slug",)
    assert inferred(sheet(found_in=words, article=codes))[0].primary_key == ("article",)


def test_a_wide_table_takes_as_many_columns_as_a_table_can_have(write, tmp_path):
    def found(columns, rows):
        header = [f"c{n}" for n in range(columns)]
        path = write("\n".join(map(",".join, [header, *[[str(n) for n in range(columns)]] * rows])) + "\n")
        return propose(open_table(path, work=tmp_path), "things", tmp_path)

    assert [one.kind.logical for one in found(120, 40).columns] == ["integer"] * 120
    with pytest.raises(ReadError, match="10,000 columns; a table in PostgreSQL"):
        found(10_000, 2)
