"""What columns tell of each other, what a contract decides, and how long it takes."""

import csv
import random
import time
from contextlib import closing
from dataclasses import replace

import pytest

from sluice.classify import classify
from sluice.contracts.registry import Registry
from sluice.readers import open_table
from tests.classify import numbers, people
from tests.classify.labelled import labelled

ROWS = range(100)


@pytest.fixture
def rng():
    return random.Random(7)


def columns_of(rng, *makers):
    return [[make(rng) for _ in ROWS] for make in makers]


def name(rng):
    return people.full(rng, "de")


def born(rng):
    return "{}-{:02}-{:02}".format(*numbers.day(rng, 1940, 2005))


def degrees(low, high):
    return lambda rng: f"{rng.uniform(low, high):.6f}"


def test_dates_over_decades_are_birth_dates_beside_persons_only(classified, rng):
    people_table = classified(["c1", "c2"], columns_of(rng, name, born))
    assert [one.kind for one in people_table] == ["person_name", "birth_date"]
    alone = classified(["c1", "c2"], columns_of(rng, lambda rng: str(rng.random()), born))
    assert [one.kind for one in alone] == ["none", "none"]
    founded = classified(["c1", "founded_on"], columns_of(rng, name, born))
    assert founded[1].kind == "none"


def test_two_exact_numbers_side_by_side_are_coordinates_if_the_header_says_nothing(classified, rng):
    found = classified(["c1", "c2"], columns_of(rng, degrees(47, 55), degrees(-6, 15)))
    assert [one.kind for one in found] == ["geo_coordinate"] * 2
    measured = classified(["pressure", "voltage"], columns_of(rng, degrees(47, 55), degrees(-6, 15)))
    assert [one.kind for one in measured] == ["none"] * 2


def test_five_digits_are_postal_codes_beside_a_city_only(classified, rng):
    def code(rng):
        return f"{rng.randint(1067, 99998):05}"

    def town(rng):
        return rng.choice(people.CITY["de"].split())

    assert [one.kind for one in classified(["c1", "c2"], columns_of(rng, code, town))] == [
        "postal_code",
        "city",
    ]
    assert [one.kind for one in classified(["c1"], columns_of(rng, code))] == ["none"]
    years = classified(["c1", "c2"], columns_of(rng, lambda rng: str(rng.randint(1900, 2020)), town))
    assert [one.kind for one in years] == ["none", "city"]
    assert [one.kind for one in classified(["qty", "c2"], columns_of(rng, code, town))] == ["none", "city"]


def test_a_city_is_internal_unless_the_table_is_about_persons(classified, rng):
    towns = [rng.choice(people.CITY["fr"].split()) for _ in ROWS]
    assert classified(["city"], [towns])[0].level == "internal"
    mails = [people.mail(rng, "fr") for _ in ROWS]
    assert [one.level for one in classified(["city", "x"], [towns, mails])] == [
        "confidential",
        "confidential",
    ]


def test_the_contracts_classification_wins_and_the_evidence_says_so(classified, rng):
    contract = Registry().get("projects")
    given = {column.name: column.classification for column in contract.columns}
    column = next(
        one for one in contract.columns if one.classification == "internal" and one.logical_type == "string"
    )
    # Spelled otherwise, as in files.
    found = classified(
        [column.name.upper().replace("_", " "), "unknown"],
        columns_of(rng, lambda rng: people.mail(rng, "en"), name),
        contract,
    )
    assert (found[0].kind, found[0].level, found[0].by) == ("email", "internal", "contract")
    assert "the contract says internal, the class confidential" in found[0].evidence
    assert (found[1].level, found[1].by) == ("confidential", "class")
    silent = replace(contract, columns=tuple(replace(one, classification="") for one in contract.columns))
    assert given[column.name]
    assert (
        classified([column.name], columns_of(rng, lambda rng: people.mail(rng, "en")), silent)[0].by
        == "class"
    )


def test_the_values_decide_where_the_header_is_wrong(classified, rng):
    found = classified(
        ["phone", "product_name"],
        columns_of(rng, lambda rng: people.mail(rng, "it"), lambda rng: numbers.iban(rng, "AT")),
    )
    assert [one.kind for one in found] == ["email", "iban"]
    assert all(one.evidence.startswith("100 of 100 different cells") for one in found)


def test_a_column_without_cells_is_classified_by_its_name_with_little_confidence(classified):
    found = classified(["email", "note", "n"], [[""] * 5, ["n/a"] * 5, list("12345")])
    assert [(one.kind, one.confidence) for one in found[:2]] == [("email", 0.5), ("none", 0.5)]


def test_a_few_secrets_among_other_texts_are_enough(classified, rng):
    cells = [
        f"ghp_{''.join(rng.choice('abcdefABCDEF0123456789') for _ in range(36))}"
        if n % 4 == 0
        else f"text {n}"
        for n in ROWS
    ]
    (found,) = classified(["value"], [cells])
    assert (found.kind, found.level) == ("credential", "restricted")


def test_rare_cells_far_down_are_found(classified, rng):
    cells = [people.mail(rng, "nl") if n > 39_980 else "" for n in range(40_000)]
    found = classified(["n", "c2"], [range(40_000), cells])
    assert (found[1].kind, found[1].facts["cells"]) == ("email", 19)


def test_a_later_part_of_the_file_counts_as_much_as_its_head(classified, rng):
    cells = [people.mail(rng, "nl") if n > 10_000 else f"case {n}" for n in range(40_000)]
    (found,) = classified(["c2"], [cells])
    assert found.kind == "email"
    looked_at = int(found.evidence.split(" of ")[0])
    assert 0.65 < looked_at / found.facts["looked_at"] < 0.85


def test_when_the_time_is_over_what_was_read_is_judged(tmp_path, rng):
    path, work = tmp_path / "long.csv", tmp_path / "work"
    work.mkdir()
    path.write_text("mail,n\n" + "".join(f"a{n}@example.com,{n}\n" for n in range(200_000)))
    with closing(open_table(path, work=work)) as table:
        found = classify(table, work, seconds=0.0)
    assert (found.whole, found.columns[0].kind) == (False, "email")
    assert 0 < found.records < 200_000


def test_100_000_records_of_30_columns_take_less_than_5_seconds(tmp_path):
    columns = labelled(5, 0, rows=2_000, most=29)
    path, work = tmp_path / "large.csv", tmp_path / "work"
    work.mkdir()
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["row", *(one.header for one in columns)])
        # Each column has 2,000 different cells, more than are looked at, and each record another mixture of them.
        steps = [(one.cells, 2 * at + 1) for at, one in enumerate(columns)]
        writer.writerows([n, *(cells[n * step % 2_000] for cells, step in steps)] for n in range(100_000))
    began = time.monotonic()
    with closing(open_table(path, work=work)) as table:
        found = classify(table, work)
    took = time.monotonic() - began
    assert (found.records, len(found.columns)) == (100_000, 30)
    assert took < 5
