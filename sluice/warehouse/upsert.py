"""Upsert by match keys: finds each row's standing partner, leaves equal rows alone, writes the rest."""

from collections import Counter
from dataclasses import dataclass

from psycopg import sql

from sluice.warehouse.merge import (
    LINEAGE,
    REBUILD_SHARE,
    Merge,
    listed,
    same,
    took_place,
    unique_keys,
)

TODO = sql.Identifier("pg_temp", "sluice_todo")


@dataclass(frozen=True, slots=True)
class Upserted:
    """What became of the incoming rows, by load: written, or overtaken by a later record. The rest is unchanged."""

    published: Counter[int]
    superseded: Counter[int]


def upsert(merge: Merge, clashes: sql.Identifier, overtaken: sql.Identifier) -> Upserted:
    """Update partners that differ and insert rows without one.

    Rows that would break another unique key are listed in ``clashes`` and left out; the caller counts them.
    Rows that a later record replaces are listed in ``overtaken``.
    Raises psycopg.errors.UniqueViolation where two rows trade the values of a unique column.
    """
    several = len(unique_keys(merge.contract)) > 1
    _match(merge, keep_equal=several)
    superseded: Counter[int] = Counter()
    if several:
        # A later record that equals its partner must still overtake earlier ones; only then may it go.
        superseded = _keep_last(merge, overtaken)
        _set_aside_clashes(merge, clashes)
        merge.run("DELETE FROM {todo} WHERE NOT changed", todo=TODO)
    counted = merge.run("SELECT _load_id, count(*) FROM {todo} GROUP BY 1", todo=TODO)
    published: Counter[int] = Counter(dict(counted.fetchall()))
    if published:
        _write(merge, published.total())
    return Upserted(published, superseded)


def _match(merge: Merge, *, keep_equal: bool) -> None:
    """List in ``TODO`` each incoming row that has no partner or differs from it; equal ones too if wanted."""
    joins, partner = _joins(merge)
    values = [name for name in merge.names if name not in LINEAGE]
    changed = sql.SQL(" OR ").join(
        sql.SQL("i.{0} IS DISTINCT FROM t.{0}").format(sql.Identifier(name)) for name in values
    )
    merge.connection.execute("DROP TABLE IF EXISTS pg_temp.sluice_todo")
    wanted = sql.SQL("{} IS NULL OR {}").format(partner, changed)
    merge.run(
        "CREATE TEMP TABLE sluice_todo ON COMMIT DROP AS SELECT i.ctid AS new, {partner} AS old, i._load_id,"
        " i._record_no, ({wanted}) AS changed FROM {incoming} i {joins} WHERE {kept}",
        partner=partner,
        wanted=wanted,
        joins=joins,
        kept=sql.SQL("true") if keep_equal else wanted,
    )
    merge.connection.execute("ANALYZE pg_temp.sluice_todo")


def _joins(merge: Merge) -> tuple[sql.Composed, sql.Composable]:
    """The joins that find a row's partner ``t``, by the first match key that has one, and its address."""
    keys = merge.contract.match_keys
    if len(keys) == 1:
        join = sql.SQL("LEFT JOIN {} t ON {}").format(merge.target, same(keys[0], "i", "t"))
        return sql.Composed([join]), sql.SQL("t.ctid")
    parts = [
        sql.SQL("LEFT JOIN {} {} ON {}").format(
            merge.target, sql.Identifier(f"t{n}"), same(key, "i", f"t{n}")
        )
        for n, key in enumerate(keys)
    ]
    addresses = sql.SQL(", ").join(
        sql.SQL("{}.ctid").format(sql.Identifier(f"t{n}")) for n in range(len(keys))
    )
    partner = sql.SQL("coalesce({})").format(addresses)
    parts.append(sql.SQL("LEFT JOIN {} t ON t.ctid = {}").format(merge.target, partner))
    return sql.SQL(" ").join(parts), partner


def _keep_last(merge: Merge, overtaken: sql.Identifier) -> Counter[int]:
    """Of several rows with one partner the last record wins; returns how many lost, by load."""
    rows = merge.run(
        "WITH lost AS (DELETE FROM {todo} d USING (SELECT ctid AS row, row_number() OVER"
        " (PARTITION BY old ORDER BY _load_id DESC, _record_no DESC) AS place FROM {todo} WHERE old IS NOT NULL) p"
        " WHERE d.ctid = p.row AND p.place > 1 RETURNING d._load_id, d._record_no)"
        " INSERT INTO {overtaken} SELECT * FROM lost RETURNING _load_id",
        todo=TODO,
        overtaken=overtaken,
    )
    return Counter(load for (load,) in rows)


def _set_aside_clashes(merge: Merge, clashes: sql.Identifier) -> None:
    for key in unique_keys(merge.contract):
        merge.run(
            "INSERT INTO {clashes} SELECT d._load_id, d._record_no, {key}, t._load_id, t._record_no"
            " FROM {todo} d JOIN {incoming} i ON i.ctid = d.new JOIN {target} t ON {same}"
            " WHERE t.ctid IS DISTINCT FROM d.old ON CONFLICT DO NOTHING",
            clashes=clashes,
            todo=TODO,
            key=sql.Literal(", ".join(key)),
            same=same(key, "i", "t"),
        )
    merge.run(
        "DELETE FROM {todo} d USING {clashes} c WHERE d._load_id = c._load_id AND d._record_no = c._record_no",
        todo=TODO,
        clashes=clashes,
    )


def _write(merge: Merge, published: int) -> None:
    table = merge.run(
        "SELECT count(*) FROM (SELECT FROM {target} LIMIT %s) t", int(published / REBUILD_SHARE) + 1
    ).fetchone()
    assert table is not None
    bulk = published >= table[0] * REBUILD_SHARE and _has_no_other_columns(merge)
    if bulk and published < merge.rows:
        text = "DELETE FROM {incoming} i WHERE NOT EXISTS (SELECT FROM {todo} d WHERE d.new = i.ctid)"
        merge.run(text, todo=TODO)
    staying = sql.SQL("NOT EXISTS (SELECT FROM {} d WHERE d.old = t.ctid)").format(TODO)
    if not (bulk and took_place(merge, staying)):
        _write_in_place(merge)


def _has_no_other_columns(merge: Merge) -> bool:
    """A column outside the contract holds values that an updated row must keep."""
    columns = merge.connection.execute(
        "SELECT count(*) FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
        [merge.target.as_string(merge.connection)],
    ).fetchone()
    return columns is not None and bool(columns[0] == len(merge.names))


def _write_in_place(merge: Merge) -> None:
    sets = sql.SQL(", ").join(sql.SQL("{0} = i.{0}").format(sql.Identifier(name)) for name in merge.names)
    merge.run(
        "UPDATE {target} t SET {sets} FROM {incoming} i JOIN {todo} d ON i.ctid = d.new WHERE t.ctid = d.old",
        sets=sets,
        todo=TODO,
    )
    merge.run(
        "INSERT INTO {target} ({names}) SELECT {values} FROM {incoming} i JOIN {todo} d ON i.ctid = d.new"
        " WHERE d.old IS NULL",
        names=listed(merge.names),
        values=listed(merge.names, "i"),
        todo=TODO,
    )
