import dataclasses
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from sluice.contracts.model import Rule
from sluice.errors import BugError, ContractError, SetupError
from sluice.quality import Verdict, audit
from tests.quality.conftest import (
    at_least,
    contract_of,
    rejects,
    required,
    row_count,
    superseded,
    unique,
)  # fmt: skip

GOOD = [{"id": n, "name": f"n{n}", "amount": n} for n in range(1, 4)]


def test_a_clean_stage_passes_with_a_perfect_score(judge_rows):
    contract = contract_of(row_count(1), required("id"), at_least("amount", 0), unique("id"))
    verdict = judge_rows(contract, GOOD)
    assert (verdict.rejected, verdict.superseded, verdict.reasons, verdict.refused) == (0, 0, {}, ())
    assert verdict.score == 100
    assert [r.success for r in verdict.results] == [True] * 4
    assert rejects(verdict) == []
    assert superseded(verdict) == []


def test_results_carry_counts_and_observed_values(judge_rows):
    contract = contract_of(row_count(1), at_least("amount", 2), required("name"))
    rows, minimum, name = judge_rows(contract, GOOD).results
    assert (rows.observed, rows.unexpected_count, rows.element_count) == (3, None, 3)
    assert (minimum.unexpected_count, minimum.unexpected_percent, minimum.success) == (1, 33.3333, False)
    assert (name.column, name.unexpected_count, name.severity) == ("name", 0, "critical")


def test_a_failed_row_rule_rejects_its_rows_with_name_and_message(judge_rows):
    verdict = judge_rows(contract_of(at_least("amount", 2)), GOOD)
    assert rejects(verdict) == [(1, 1, "amount", "minimum", "amount must be at least 2.")]
    assert (verdict.rejected, verdict.reasons) == (1, {"minimum": 1})


def test_a_record_that_fails_twice_counts_once_by_its_first_reason(judge_rows):
    contract = contract_of(at_least("amount", 5), required("name"))
    rows = [{"id": 1, "amount": 1}, {"id": 2, "amount": 9}, {"id": 3, "amount": 9, "name": "x"}]
    verdict = judge_rows(contract, rows)
    assert [(record, reason) for _, record, _, reason, _ in rejects(verdict)] == [
        (1, "minimum"), (1, "required"), (2, "required"),
    ]  # fmt: skip
    assert (verdict.rejected, verdict.reasons) == (2, {"minimum": 1, "required": 1})


def test_rules_may_share_a_name_on_different_columns(judge_rows):
    contract = contract_of(required("name"), required("code"))
    verdict = judge_rows(
        contract, [{"id": 1, "name": "x"}, {"id": 2, "code": "y"}, {"id": 3, "name": "x", "code": "y"}]
    )
    assert [(record, column) for _, record, column, _, _ in rejects(verdict)] == [(1, "code"), (2, "name")]
    assert verdict.reasons == {"required": 2}
    assert [r.unexpected_count for r in verdict.results] == [1, 1]


def test_a_warning_is_reported_and_rejects_nothing(judge_rows):
    verdict = judge_rows(
        contract_of(at_least("amount", 2, severity="warning"), row_count(9, severity="warning")), GOOD
    )
    assert (verdict.rejected, verdict.refused) == (0, ())
    assert verdict.results[0].unexpected_count == 1
    assert verdict.score == 33.33


def test_a_failed_table_rule_refuses_the_load_and_says_what_was_found(judge_rows):
    verdict = judge_rows(contract_of(row_count(5)), GOOD)
    assert verdict.refused == ("row_count: there must be at least 5 rows (found 3)",)
    assert verdict.results[0].id == "row_count"


def test_table_rules_judge_the_stage_as_it_was_read(judge_rows):
    verdict = judge_rows(contract_of(row_count(3), at_least("amount", 3)), GOOD)
    assert verdict.refused == ()
    assert verdict.rejected == 2


def test_rows_that_refused_loads_would_reject_are_listed_too(judge_rows):
    verdict = judge_rows(contract_of(row_count(5), at_least("amount", 2)), GOOD)
    assert verdict.refused
    assert verdict.rejected == 1


@pytest.mark.parametrize("mode", ["append", "upsert", "replace"])
def test_an_empty_stage_is_judged(judge_rows, mode):
    contract = contract_of(required("id"), at_least("amount", 1), unique("id"), unique("id", "name"))
    verdict = judge_rows(contract, [], mode=mode)
    assert (verdict.rejected, verdict.refused, verdict.score) == (0, (), 100)
    assert judge_rows(contract_of(row_count(1)), []).refused


def test_a_contract_without_rules_passes_everything(judge_rows):
    assert judge_rows(contract_of(), GOOD).score == 100


def test_all_failing_rows_are_found_far_beyond_the_limits_of_gx_lists(judge_rows):
    query = "SELECT range AS id, 'n' AS name, range % 2 AS amount FROM range(20000)"
    verdict = judge_rows(contract_of(at_least("amount", 1), unique("id")), query)
    assert verdict.rejected == 10_000
    found = rejects(verdict)
    assert len(found) == 10_000
    assert found == sorted(found)


def test_the_own_sql_of_a_contract_is_judged_by_gx(judge_rows):
    condition = "NOT regexp_matches(\"code\", '^[A-Z]{2}$')"
    query = f"SELECT * FROM {{batch}} WHERE {condition}".replace("{2}", "{{2}}")
    rule = Rule(
        "pattern",
        "UnexpectedRowsExpectation",
        {"unexpected_rows_query": query},
        column="code",
        failing_rows=condition,
    )
    verdict = judge_rows(contract_of(rule), [{"id": 1, "code": "AB"}, {"id": 2, "code": "abc"}, {"id": 3}])
    assert [r[1] for r in rejects(verdict)] == [2]
    assert verdict.results[0].unexpected_count == 1


@pytest.mark.parametrize("name", ["ExpectColumnValuesToMatchRegex", "expect_column_values_to_match_regex"])
def test_a_gx_row_rule_of_the_contract_rejects_rows_by_gxs_own_query(judge_rows, name):
    rule = Rule("own", name, {"column": "code", "regex": "^[A-Z]+$"}, column="code")
    verdict = judge_rows(contract_of(rule), [{"id": 1, "code": "AB"}, {"id": 2, "code": "a:b"}, {"id": 3}])
    assert [r[1] for r in rejects(verdict)] == [2]
    assert verdict.refused == ()


@pytest.mark.parametrize(
    ("expectation", "kwargs", "failing"),
    [
        ("ExpectColumnValuesToNotMatchRegex", {"column": "code", "regex": "^a"}, [1]),
        ("ExpectColumnValuesToMatchRegexList", {"column": "code", "regex_list": ["^a", "^b"]}, [3]),
        ("ExpectColumnValuesToMatchRegexList", {"column": "code", "regex_list": ["a", "b"], "match_on": "all"}, [2, 3]),
        ("ExpectColumnValuesToNotMatchRegexList", {"column": "code", "regex_list": ["^b", "^c"]}, [2, 3]),
        ("ExpectColumnPairValuesAToBeGreaterThanB", {"column_A": "amount", "column_B": "id"}, [1]),
        ("ExpectColumnValuesToBeInSet", {"column": "code", "value_set": ["ab", "bx"]}, [3]),
        ("ExpectColumnValueLengthsToEqual", {"column": "code", "value": 2}, [3]),
    ],
)  # fmt: skip
def test_gx_row_rules_name_their_rows(judge_rows, expectation, kwargs, failing):
    rows = [
        {"id": 1, "code": "ab", "amount": 1},
        {"id": 2, "code": "bx", "amount": 5},
        {"id": 3, "code": "cxx", "amount": 9},
    ]
    verdict = judge_rows(contract_of(Rule("own", expectation, kwargs)), rows)
    assert [r[1] for r in rejects(verdict)] == failing


def test_a_gx_row_rule_keeps_its_mostly(judge_rows):
    kwargs = {"column": "code", "value_set": ["a"], "mostly": 0.6}
    rows = [{"id": n, "code": code} for n, code in enumerate("aab")]
    assert judge_rows(contract_of(Rule("own", "ExpectColumnValuesToBeInSet", kwargs)), rows).rejected == 0


def test_a_gx_row_rule_that_cannot_name_rows_is_judged_like_a_table_rule(judge_rows):
    rule = Rule("sum", "ExpectColumnSumToBeBetween", {"column": "amount", "max_value": 3})
    verdict = judge_rows(contract_of(rule), GOOD)
    assert verdict.rejected == 0
    assert verdict.refused == ("sum: fails ExpectColumnSumToBeBetween (found 6.0)",)


@pytest.mark.parametrize(
    ("expectation", "kwargs"),
    [
        ("ExpectColumnMeanToBeBetween", {"column": "amount", "min_value": 1, "max_value": 3}),
        ("ExpectColumnMedianToBeBetween", {"column": "amount", "min_value": 1, "max_value": 3}),
        ("ExpectColumnStdevToBeBetween", {"column": "amount", "min_value": 0, "max_value": 3}),
        ("ExpectColumnMaxToBeBetween", {"column": "amount", "max_value": 3}),
        ("ExpectColumnDistinctValuesToContainSet", {"column": "id", "value_set": [1, 2]}),
        ("ExpectColumnProportionOfUniqueValuesToBeBetween", {"column": "id", "min_value": 1}),
        ("ExpectColumnToExist", {"column": "name"}),
        ("ExpectTableColumnsToMatchSet", {"column_set": ["id", "name"], "exact_match": False}),
        ("ExpectColumnValuesToBeOfType", {"column": "id", "type_": "BIGINT"}),
        ("ExpectColumnValuesToBeInTypeList", {"column": "name", "type_list": ["VARCHAR", "TEXT"]}),
        ("ExpectColumnUniqueValueCountToBeBetween", {"column": "id", "min_value": 3, "max_value": 3}),
    ],
)
def test_gx_table_rules_run_on_duckdb(judge_rows, expectation, kwargs):
    verdict = judge_rows(contract_of(Rule("own", expectation, kwargs, "table")), GOOD)
    assert verdict.results[0].success, verdict.results[0]


def test_a_rule_that_cannot_be_judged_is_an_error_that_names_it(judge_rows):
    broken = Rule("ghost", "ExpectColumnValuesToNotBeNull", {"column": "nowhere"}, column="nowhere")
    with pytest.raises(ContractError, match=r"'nowhere\.ghost'"):
        judge_rows(contract_of(required("id"), broken), GOOD)


def test_a_type_error_inside_gx_names_the_rule(judge_rows):
    broken = Rule("odd", "ExpectColumnValuesToBeBetween", {"column": "name", "min_value": 1}, column="name")
    with pytest.raises(ContractError, match=r"'name\.odd'"):
        judge_rows(contract_of(required("id"), broken), GOOD)


def test_wrong_sql_in_a_contract_names_the_rule(judge_rows):
    broken = Rule("sql", "UnexpectedRowsExpectation", {"unexpected_rows_query": "SELECT nope FROM {batch}"})
    with pytest.raises(ContractError, match=r"'sql'.*nope"):
        judge_rows(contract_of(broken), GOOD)


def test_too_little_memory_is_a_set_up_error(stage_of, tmp_path):
    stage = stage_of("SELECT range AS id, md5(range::VARCHAR) AS name FROM range(300000)")
    contract = contract_of(unique("id"), unique("name"), unique("id", "name"))
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "spill").write_text("no room to spill")
    with pytest.raises(SetupError, match="memory"):
        audit([stage], contract, mode="append", directory=tmp_path / "v", memory_limit_mb=15)


def test_a_stage_that_vanished_is_a_set_up_error(stage_of, tmp_path):
    stage = stage_of(GOOD)
    stage.rows_path.unlink()
    with pytest.raises(SetupError, match="No files found"):
        audit([stage], contract_of(required("id")), mode="append", directory=tmp_path / "v")


def test_sql_of_ours_that_does_not_run_is_a_bug(judge_rows):
    rule = dataclasses.replace(at_least("amount", 3), failing_rows="amont < 3")
    with pytest.raises(BugError, match="amont"):
        judge_rows(contract_of(rule), GOOD)


def test_audits_run_side_by_side_in_threads(stage_of, tmp_path):
    contract = contract_of(at_least("amount", 2), unique("id"), row_count(1))
    stages = [stage_of([{"id": 1, "amount": n % 4}]) for n in range(8)]

    def one(number):
        return audit([stages[number]], contract, mode="append", directory=tmp_path / f"v{number}").rejected

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(one, range(8))) == [1, 1, 0, 0, 1, 1, 0, 0]


def test_sql_that_finds_fewer_rows_than_gx_counted_is_a_bug_and_lets_nothing_pass(judge_rows):
    rule = dataclasses.replace(at_least("amount", 3), failing_rows="amount < 2")
    with pytest.raises(BugError, match="counts 2 failing rows, its SQL finds 1"):
        judge_rows(contract_of(rule), GOOD)


def test_an_unknown_expectation_is_refused_with_a_suggestion(judge_rows):
    with pytest.raises(ContractError, match="Did you mean 'ExpectColumnValuesToBeInSet'"):
        judge_rows(contract_of(Rule("typo", "ExpectColumnValueToBeInSets", {})), GOOD)


def test_wrong_arguments_are_refused_and_named(judge_rows):
    with pytest.raises(ContractError, match=r"'args'.*column"):
        judge_rows(contract_of(Rule("args", "ExpectColumnValuesToBeInSet", {"value_set": [1]})), GOOD)


def test_awkward_column_names_work(tmp_path):
    import duckdb

    from sluice.contracts.model import Column
    from sluice.readers.base import Stage

    name = 'Größe "x" select'
    duckdb.sql("SELECT NULL::INTEGER AS a, 1::BIGINT AS _load_id, 1::BIGINT AS _record_no").query(
        "t", f'SELECT a AS "{name.replace(chr(34), chr(34) * 2)}", _load_id, _record_no FROM t'
    ).write_parquet(str(tmp_path / "rows.parquet"))
    rules = (
        Rule("required", "ExpectColumnValuesToNotBeNull", {"column": name}, column=name,
             failing_rows='"Größe ""x"" select" IS NULL'),
        Rule("duplicate", "ExpectColumnValuesToBeUnique", {"column": name}, "key", column=name),
    )  # fmt: skip
    contract = dataclasses.replace(
        contract_of(*rules, match_keys=((name,),)), columns=(Column(name, "integer", "INTEGER", "integer"),)
    )
    verdict = audit([Stage(tmp_path, 1, 1, 1, 0)], contract, mode="append", directory=tmp_path / "v")
    assert [(r[2], r[3]) for r in rejects(verdict)] == [(name, "required")]


def test_a_verdict_survives_the_disk(judge_rows):
    verdict = judge_rows(contract_of(row_count(5), at_least("amount", 2)), GOOD)
    assert Verdict.load(verdict.directory) == verdict


def test_no_scratch_files_are_left(judge_rows):
    verdict = judge_rows(contract_of(unique("id")), GOOD)
    assert sorted(path.name for path in verdict.directory.iterdir()) == [
        "superseded.parquet", "verdict.json", "verdict.parquet",
    ]  # fmt: skip


def test_importing_the_package_leaves_gx_for_later():
    code = "import sys, sluice.quality; sys.exit('great_expectations' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_audit_is_silent_and_leaves_no_noise_at_exit():
    code = "from sluice.quality import warm_up; warm_up()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONWARNINGS": ""},
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_a_record_that_could_not_be_typed_passes_no_rule(stage_of, tmp_path):
    stage = dataclasses.replace(stage_of(GOOD), records=4, rejects=1)
    contract = contract_of(required("name"), at_least("amount", 2))
    assert audit([stage], contract, mode="append", directory=tmp_path / "verdict").score == 62.5


def test_superseded_records_are_no_fault(judge_rows):
    rows = [*GOOD, *GOOD]
    assert judge_rows(contract_of(unique("id")), rows, mode="upsert").score == 100
    assert judge_rows(contract_of(unique("id")), rows).score < 100
