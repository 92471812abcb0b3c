"""Great Expectations metrics that DuckDB computes faster. Imports GX: import it inside functions only."""

# GX's base classes and decorators have no types that mypy could follow.
# mypy: disable-error-code="misc, untyped-decorator"

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.execution_engine.sqlalchemy_batch_data import SqlAlchemyBatchData
from great_expectations.expectations.metrics import ColumnMapMetricProvider
from great_expectations.expectations.metrics.map_metric_provider import column_condition_partial
from great_expectations.expectations.metrics.metric_provider import MetricProvider, metric_value
from great_expectations.util import convert_to_json_serializable, get_sqlalchemy_selectable


class DuckDBExecutionEngine(SqlAlchemyExecutionEngine):
    """GX looks metrics up by engine class, so the ones below apply to DuckDB only.

    ``unique`` names columns that are known to hold no value twice.
    """

    unique: frozenset[str] = frozenset()

    def resolve_metric_bundle(self, metric_fn_bundle: Iterable[Any]) -> dict[Any, Any]:
        """The metrics that one scan of their rows gives, by id. GX would write each statement again, to log it."""
        found: dict[Any, Any] = {}
        for query in self._organize_metrics_by_domain(metric_fn_bundle):
            rows = get_sqlalchemy_selectable(self.get_domain_records(domain_kwargs=query["domain_kwargs"]))
            values = self.execute_query(sa.select(*query["select"]).select_from(rows)).one()
            found |= zip(query["metric_ids"], map(convert_to_json_serializable, values), strict=True)
        return found


class BatchData(SqlAlchemyBatchData):
    """A relation by name. GX's own makes a table object for each batch, and SQLAlchemy knows statements by that."""

    def _generate_selectable_from_schema_name_and_table_name(self, *, table_name: str, **_: Any) -> sa.Table:
        return _table(table_name)


@lru_cache(maxsize=8)
def _table(name: str) -> sa.Table:
    return sa.Table(name, sa.MetaData(), schema=None)


def _rows_in_groups(engine: DuckDBExecutionEngine, selectable: Any, columns: list[str]) -> int:
    """How many rows share their values of ``columns`` with another row; NULL equals nothing."""
    if engine.unique.intersection(columns):
        return 0
    key: list[sa.ColumnClause[Any]] = [sa.column(name) for name in columns]
    groups = (
        sa.select(sa.func.count().label("rows"))
        .select_from(get_sqlalchemy_selectable(selectable))
        .where(*(column.is_not(None) for column in key))
        .group_by(*key)
        .having(sa.func.count() > 1)
        .subquery()
    )
    return int(engine.execute_query(sa.select(sa.func.coalesce(sa.func.sum(groups.c.rows), 0))).scalar() or 0)


class UniqueCount(MetricProvider):
    """GX counts repeated values with a window over all rows; a GROUP BY needs about half the time."""

    metric_name = "column_values.unique.unexpected_count"
    domain_keys = ("batch_id", "table", "column", "row_condition", "condition_parser")

    @metric_value(engine=DuckDBExecutionEngine)
    def _duckdb(cls, execution_engine: Any, metric_domain_kwargs: dict[str, Any], **_: Any) -> int:  # noqa: N805
        rows = execution_engine.get_domain_records(metric_domain_kwargs)
        return _rows_in_groups(execution_engine, rows, [metric_domain_kwargs["column"]])


class CompoundUniqueCount(MetricProvider):
    """The same for several columns, where GX joins all rows with their groups."""

    metric_name = "compound_columns.unique.unexpected_count"
    domain_keys = ("batch_id", "table", "column_list", "row_condition", "condition_parser", "ignore_row_if")

    @metric_value(engine=DuckDBExecutionEngine)
    def _duckdb(cls, execution_engine: Any, metric_domain_kwargs: dict[str, Any], **_: Any) -> int:  # noqa: N805
        rows = execution_engine.get_domain_records(metric_domain_kwargs)
        return _rows_in_groups(execution_engine, rows, metric_domain_kwargs["column_list"])


class NoUnexpectedRows(MetricProvider):
    """UnexpectedRowsExpectation runs its query twice, for the count and for rows that we never show."""

    metric_name = "unexpected_rows_query.table"
    domain_keys = ("batch_id", "row_condition", "condition_parser")
    value_keys = ("unexpected_rows_query",)

    @metric_value(engine=DuckDBExecutionEngine)
    def _duckdb(cls, **_: Any) -> list[Any]:  # noqa: N805
        return []


class MatchRegex(ColumnMapMetricProvider):
    """GX has no regular expressions for DuckDB; like GX elsewhere, a match may stand anywhere in the text."""

    condition_metric_name = "column_values.match_regex"
    condition_value_keys = ("regex",)

    @column_condition_partial(engine=DuckDBExecutionEngine)
    def _duckdb(cls, column: Any, regex: str, **_: Any) -> Any:  # noqa: N805
        return sa.func.regexp_matches(column, regex)


class NotMatchRegex(ColumnMapMetricProvider):
    """The same, for text that must not match."""

    condition_metric_name = "column_values.not_match_regex"
    condition_value_keys = ("regex",)

    @column_condition_partial(engine=DuckDBExecutionEngine)
    def _duckdb(cls, column: Any, regex: str, **_: Any) -> Any:  # noqa: N805
        return sa.not_(sa.func.regexp_matches(column, regex))


class MatchRegexList(ColumnMapMetricProvider):
    """The same, for any or all of several expressions."""

    condition_metric_name = "column_values.match_regex_list"
    condition_value_keys = ("regex_list", "match_on")

    @column_condition_partial(engine=DuckDBExecutionEngine)
    def _duckdb(cls, column: Any, regex_list: list[str], match_on: str, **_: Any) -> Any:  # noqa: N805
        combine = sa.or_ if match_on == "any" else sa.and_
        return combine(*(sa.func.regexp_matches(column, regex) for regex in regex_list))


class NotMatchRegexList(ColumnMapMetricProvider):
    """The same, for none of several expressions."""

    condition_metric_name = "column_values.not_match_regex_list"
    condition_value_keys = ("regex_list",)

    @column_condition_partial(engine=DuckDBExecutionEngine)
    def _duckdb(cls, column: Any, regex_list: list[str], **_: Any) -> Any:  # noqa: N805
        return sa.not_(sa.or_(*(sa.func.regexp_matches(column, regex) for regex in regex_list)))
