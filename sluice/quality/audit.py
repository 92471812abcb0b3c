"""Audits a stage: runs the contract's suite over it and sorts out the records that may not be published."""

import atexit
import gc
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

import duckdb

from sluice import deadline
from sluice.contracts.model import Column, Contract, Rule
from sluice.contracts.sql import identifier, literal
from sluice.errors import BugError, SetupError
from sluice.quality import failures, references
from sluice.quality.duck import scratch, stoppable
from sluice.quality.judge import Judge
from sluice.quality.verdict import RuleResult, Verdict, concealed
from sluice.security import lake

if TYPE_CHECKING:
    from sluice.readers.base import Stage

Mode = Literal["append", "upsert", "replace"]
ROOM = "Raise SLUICE_MEMORY_LIMIT_MB, or free space in the stage folder."
OUT_OF_ROOM = "The audit ran out of memory or disk."
UNTOLD = (
    "What DuckDB says may quote protected values; without sluice.ceiling in the contract it would be told."
)


def audit(
    stages: Sequence["Stage"],
    contract: Contract,
    *,
    mode: Mode,
    directory: Path,
    memory_limit_mb: int = 300,
    threads: int = 0,
    absent: references.Absent | None = None,
) -> Verdict:
    """Judge the rows of ``stages`` by ``contract`` and write the verdict's files into ``directory``.

    The suite runs once over all rows as they were read, so table rules see the rows that row rules reject.
    Only rules that failed cost more: row rules reject their rows; key rules then reject repeats, or in mode
    ``upsert`` supersede them, among the rows that are left. Warnings are only reported.
    ``absent`` tells which values of a relationship have no partner in the warehouse; without it none is judged.

    Raises ContractError for a rule that can't be built or judged, SetupError without memory or disk, BugError
    where our SQL and Great Expectations disagree, RetryError at the step's deadline.
    """
    started = time.perf_counter()
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "verdict.json").unlink(missing_ok=True)
    # Great Expectations only hands on the text of an error, so an interrupted query looks like a bad rule.
    with (
        deadline.blamed(Exception),
        _explained(contract),
        scratch(directory, memory_limit_mb, threads) as connection,
    ):
        _create_view(connection, stages, contract)
        failures.create_tables(connection)
        unique = stages[0].rising if len(stages) == 1 else ()
        judge = Judge(stoppable(connection), "stage", contract, unique)
        rows, records = (sum(counts) for counts in zip(*((s.rows, s.records) for s in stages), strict=True))
        results = [concealed(contract, one) for one in judge.results(contract.rules, rows)]
        failed = _critical_failures(contract, results)
        refused = _collect(connection, judge, failed, results)
        judged = [
            result
            for rule, result in zip(contract.rules, results, strict=True)
            if not _supersedes(rule, contract, mode)
        ]
        if absent:
            found = references.judge(connection, contract, absent, rows)
            results, judged = results + found, judged + found
        _sort_out_repeats(connection, contract, [pair for pair in failed if pair[1].kind == "key"], mode)
        judge.close()
        empty = Verdict(directory)
        superseded = failures.write(connection, empty.rejected_path, empty.superseded_path)
        reasons = failures.reasons(connection)
    verdict = Verdict(
        directory,
        rejected=sum(reasons.values()),
        superseded=superseded,
        reasons=reasons,
        refused=refused,
        results=tuple(results),
        score=score(judged, rows / records if records else 1.0),
        seconds=round(time.perf_counter() - started, 3),
    )
    verdict.save()
    return verdict


@cache
def warm_up() -> None:
    """Import Great Expectations and run one rule, so that the next audit in this process starts at once.

    What was imported stays: taken out of the garbage collector's sight, it costs no more time (5 % of a large load).
    """
    contract = Contract(
        id="", version="", sha256="", dataset="warm_up", schema="", table="",
        columns=(Column("id", "integer", "BIGINT", "bigint"),), primary_key=(), match_keys=(),
    )  # fmt: skip
    rule = Rule("warm_up", "ExpectColumnValuesToNotBeNull", {"column": "id"}, column="id")
    with TemporaryDirectory() as folder, scratch(Path(folder), 100, 1) as connection:
        connection.execute("CREATE VIEW stage AS SELECT 1 AS id")
        judge = Judge(stoppable(connection), "stage", contract)
        judge.results([rule], 1)
        judge.close()
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)  # at the end all may go


def rehearse(contract: Contract) -> None:
    """Judge no rows by the contract, so that this process, and copies of it, know its plan and statements.

    Raises SluiceError where an audit would.
    """
    kinds = {column.name: column.duckdb_type for column in contract.columns}
    kinds |= {"_load_id": "BIGINT", "_record_no": "BIGINT"}
    columns = ", ".join(f"CAST(NULL AS {kind}) AS {identifier(name)}" for name, kind in kinds.items())
    with TemporaryDirectory() as folder, _explained(contract), scratch(Path(folder), 100, 1) as connection:
        connection.execute(f"CREATE VIEW stage AS SELECT {columns} WHERE false")
        judge = Judge(stoppable(connection), "stage", contract)
        judge.results(contract.rules, 0)
        judge.close()


def score(results: Sequence[RuleResult], typed: float = 1.0) -> float:
    """0-100: the mean over all rules of the share of records that passed, rounded down to two decimals.

    ``typed`` is the share of records (0-1) that became rows; one that did not passes no rule.
    """
    passed = sum(result.passed_share for result in results) / len(results) if results else 1.0
    return math.floor(round(10_000 * passed * typed, 6)) / 100


@contextmanager
def _explained(contract: Contract) -> Iterator[None]:
    try:
        yield
    except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
        if contract.ceiling:
            raise SetupError(OUT_OF_ROOM, hint=ROOM, dataset=contract.dataset) from None
        hint = ROOM
        raise SetupError.of(error, hint=hint, dataset=contract.dataset) from error
    except duckdb.Error as error:
        if contract.ceiling:  # its text may quote a value
            raise BugError(
                f"An audit query failed ({type(error).__name__}).", hint=UNTOLD, dataset=contract.dataset
            ) from None
        hint = "The SQL of a rule does not fit the stage; please report it with the contract."
        raise BugError.of(error, hint=hint, dataset=contract.dataset, file=contract.path) from error


def _create_view(
    connection: duckdb.DuckDBPyConnection, stages: Sequence["Stage"], contract: Contract
) -> None:
    names = [column.name for column in contract.columns] + ["_load_id", "_record_no"]
    columns = ", ".join(identifier(name) for name in names)
    files = ", ".join(literal(lake.location(connection, stage.rows_path)) for stage in stages)
    connection.execute(f"CREATE VIEW stage AS SELECT {columns} FROM read_parquet([{files}])")  # noqa: S608


def _critical_failures(contract: Contract, results: Sequence[RuleResult]) -> list[tuple[int, Rule]]:
    pairs = zip(contract.rules, results, strict=True)
    return [
        (number, rule)
        for number, (rule, result) in enumerate(pairs)
        if rule.severity == "critical" and not result.success
    ]


def _collect(
    connection: duckdb.DuckDBPyConnection,
    judge: Judge,
    failed: list[tuple[int, Rule]],
    results: Sequence[RuleResult],
) -> tuple[str, ...]:
    """Collect the rows that row rules turn away; returns why the load is refused, if it is.

    A contract's own row rule has no SQL of ours; where GX has none either, it is judged like a table rule.
    """
    by_sql = [(number, rule) for number, rule in failed if rule.kind == "row" and rule.failing_rows]
    if by_sql:
        _check_counts(failures.collect_rows(connection, by_sql), results)
    refused = []
    for number, rule in failed:
        if rule.kind == "key" or rule.failing_rows:
            continue
        query = judge.failing_rows_query(rule) if rule.kind == "row" else None
        if query:
            failures.collect_query(connection, number, rule, query)
        else:
            refused.append(_refusal(rule, results[number]))
    return tuple(refused)


def _sort_out_repeats(
    connection: duckdb.DuckDBPyConnection, contract: Contract, rules: list[tuple[int, Rule]], mode: Mode
) -> None:
    """Match keys in the contract's order, then other unique columns; each among the survivors of the former."""
    match_keys = _match_keys(contract)

    def rank(pair: tuple[int, Rule]) -> int:
        key = frozenset(failures.key_of(pair[1]))
        return match_keys.index(key) if key in match_keys else len(match_keys)

    for number, rule in sorted(rules, key=rank):
        key = failures.key_of(rule)
        if _supersedes(rule, contract, mode):
            failures.supersede_repeats(connection, key)
        else:
            failures.reject_repeats(connection, number, rule, key)


def _supersedes(rule: Rule, contract: Contract, mode: Mode) -> bool:
    """Whether records that repeat the rule's key are no fault: the last one counts."""
    return (
        mode == "upsert" and rule.kind == "key" and frozenset(failures.key_of(rule)) in _match_keys(contract)
    )


def _match_keys(contract: Contract) -> list[frozenset[str]]:
    return [frozenset(key) for key in contract.match_keys]


def _check_counts(found: dict[int, int], results: Sequence[RuleResult]) -> None:
    """Great Expectations is the judge: SQL that finds fewer rows than it counted would let bad rows pass."""
    for number, rows in found.items():
        result = results[number]
        if rows < (result.unexpected_count or 1):
            raise BugError(
                f"Rule '{result.id}': Great Expectations counts"
                f" {result.unexpected_count} failing rows, its SQL finds {rows}.",
                rule=result.id,
                column=result.column,
            )


def _refusal(rule: Rule, result: RuleResult) -> str:
    seen = "" if result.observed is None else f" (found {result.observed})"
    return f"{rule.id}: {rule.message.rstrip('.') or f'fails {rule.expectation}'}{seen}"
