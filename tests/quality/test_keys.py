from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.quality.conftest import at_least, contract_of, rejects, required, superseded, unique


def test_append_rejects_all_but_the_first_and_names_the_record_it_repeats(judge_rows):
    rows = [{"id": 7}, {"id": 8}, {"id": 7}, {"id": 7}]
    verdict = judge_rows(contract_of(unique("id")), rows)
    assert rejects(verdict) == [
        (1, 3, "id", "duplicate", "repeats the id of record 1"),
        (1, 4, "id", "duplicate", "repeats the id of record 1"),
    ]
    assert verdict.reasons == {"duplicate": 2}


def test_upsert_lets_the_last_win_and_counts_the_earlier_ones_as_superseded(judge_rows):
    verdict = judge_rows(
        contract_of(unique("id")), [{"id": 7}, {"id": 8}, {"id": 7}, {"id": 7}], mode="upsert"
    )
    assert superseded(verdict) == [(1, 1), (1, 3)]
    assert (verdict.superseded, verdict.rejected, verdict.reasons) == (2, 0, {})


@pytest.mark.parametrize("mode", ["append", "upsert", "replace"])
def test_a_unique_column_that_is_no_match_key_rejects_in_every_mode(judge_rows, mode):
    contract = contract_of(unique("id"), unique("code"))
    verdict = judge_rows(contract, [{"id": 1, "code": "a"}, {"id": 2, "code": "a"}], mode=mode)
    assert [r[1:3] for r in rejects(verdict)] == [(2, "code")]


def test_an_empty_key_equals_nothing(judge_rows):
    contract = contract_of(unique("id"), unique("name", "code"))
    rows = [{}, {}, {"id": 1, "name": "x"}, {"id": 2, "name": "x"}]
    assert judge_rows(contract, rows).rejected == 0


def test_several_columns_are_one_key(judge_rows):
    contract = contract_of(unique("name", "code"), match_keys=(("code", "name"),))
    rows = [{"name": "x", "code": "1"}, {"name": "x", "code": "2"}, {"name": "x", "code": "1"}]
    assert [r[1] for r in rejects(judge_rows(contract, rows))] == [3]
    assert superseded(judge_rows(contract, rows, mode="upsert")) == [(1, 1)]


def test_a_row_that_is_rejected_anyway_repeats_nothing(judge_rows):
    contract = contract_of(at_least("amount", 5), unique("id"))
    verdict = judge_rows(contract, [{"id": 1, "amount": 1}, {"id": 1, "amount": 9}])
    assert [(r[1], r[3]) for r in rejects(verdict)] == [(1, "minimum")]


def test_keys_span_stages_in_load_order(judge_rows):
    contract = contract_of(unique("id"))
    verdict = judge_rows(contract, [{"id": 1}, {"id": 2}], [{"id": 2}, {"id": 3}])
    assert rejects(verdict) == [(2, 1, "id", "duplicate", "repeats the id of record 2 of load 1")]
    assert superseded(
        judge_rows(contract, [{"id": 1}, {"id": 2}], [{"id": 2}, {"id": 3}], mode="upsert")
    ) == [(1, 2)]


def test_match_keys_apply_in_turn_each_to_the_survivors(judge_rows):
    contract = contract_of(unique("id"), unique("name"), match_keys=(("id",), ("name",)))
    rows = [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}, {"id": 2, "name": "b"}]
    assert [r[1] for r in rejects(judge_rows(contract, rows))] == [2]
    assert superseded(judge_rows(contract, rows, mode="upsert")) == [(1, 1), (1, 2)]


def test_a_warning_about_a_key_rejects_nothing(judge_rows):
    verdict = judge_rows(contract_of(unique("name", severity="warning")), [{"name": "a"}, {"name": "a"}])
    assert verdict.rejected == 0
    assert verdict.results[0].unexpected_count == 2


def test_millions_of_repeats_fit_in_little_memory(stage_of, tmp_path):
    from sluice.quality import audit

    stage = stage_of("SELECT range // 2 AS id, md5(range::VARCHAR) AS name FROM range(400000)")
    contract = contract_of(unique("id"))
    verdict = audit([stage], contract, mode="append", directory=tmp_path / "v", memory_limit_mb=64, threads=2)
    assert verdict.rejected == 200_000


Record = dict[str, Any]
MATCH = (("id",), ("name",))


def brute_force(records: list[Record], mode: str) -> tuple[set[Any], set[Any]]:
    """Rejected and superseded places, one record at a time."""
    rejected = {r["at"] for r in records if r["amount"] is None}
    gone: set[Any] = set()
    for key in (*MATCH, ("code",)):
        wins_last = mode == "upsert" and key in MATCH
        left = [r for r in records if r["at"] not in rejected | gone]
        seen: set[Any] = set()
        for record in reversed(left) if wins_last else left:
            values = tuple(record[name] for name in key)
            if None in values:
                continue
            if values in seen:
                (gone if wins_last else rejected).add(record["at"])
            seen.add(values)
    return rejected, gone


cell = st.one_of(st.none(), st.integers(0, 4))
rows = st.lists(
    st.fixed_dictionaries(
        {"id": cell, "name": cell.map(lambda v: v if v is None else str(v)), "amount": st.sampled_from([1, 1, 1, None]),
         "code": cell.map(lambda v: v if v is None else str(v))}
    ),
    max_size=12,
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=rows, second=rows, mode=st.sampled_from(["append", "upsert", "replace"]))
def test_keys_agree_with_a_model_that_takes_one_record_at_a_time(judge_rows, first, second, mode):
    contract = contract_of(required("amount"), unique("code"), unique("name"), unique("id"), match_keys=MATCH)
    verdict = judge_rows(contract, first, second, mode=mode)
    records = [
        {**row, "at": (load, number)}
        for load, stage in ((1, first), (2, second))
        for number, row in enumerate(stage, 1)
    ]
    rejected, gone = brute_force(records, mode)
    assert {row[:2] for row in rejects(verdict)} == rejected
    assert set(superseded(verdict)) == gone
    assert (verdict.rejected, verdict.superseded) == (len(rejected), len(gone))
    assert sum(verdict.reasons.values()) == len(rejected)
