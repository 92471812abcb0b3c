"""The benchmark's input: an orders file of any length, the same bytes for the same arguments."""

import argparse
from pathlib import Path

import duckdb
import openpyxl

DATA = Path(__file__).parent / "data"

COLUMNS = """
    i + 1 AS id,
    'ORD-' || lpad((i + 1)::VARCHAR, 9, '0') AS order_no,
    (1000000 + hash(i) % 500000)::INT AS customer_id,
    'customer' || (hash(i) % 500000) || '@example.com' AS email,
    ['new', 'paid', 'shipped', 'delivered', 'returned'][1 + (hash(i + 7) % 5)::INT] AS status,
    ['DE', 'FR', 'US', 'GB', 'NL', 'PL', 'NA'][1 + (hash(i + 9) % 7)::INT] AS country,
    (1 + (hash(i + 3) + $change) % 40)::INT AS quantity,
    ((hash(i + 5) % 1000000) / 100.0 + $change)::DECIMAL(12, 2) AS amount,
    hash(i + 11) % 3 = 0 AS express,
    DATE '2020-01-01' + (hash(i + 13) % 2000)::INT AS ordered_on,
    TIMESTAMP '2020-01-01' + to_seconds((hash(i + 17) % 170000000)::BIGINT) AS updated_at,
    'Order note ' || substr(md5(i::VARCHAR), 1, 24) || ' lorem ipsum dolor sit amet '
        || substr(md5((i + 1)::VARCHAR), 1, 30) AS note
"""
WARM_UP = "i + 1 AS id, 'name ' || i AS name, DATE '2024-01-01' + i::INT AS made_on"


def orders(rows: int, start: int = 0, change: int = 0, directory: Path = DATA) -> Path:
    """The CSV with ids ``start + 1`` to ``start + rows``; written only where it is not there yet.

    ``change`` from 1 to 39 alters quantity and amount of every row, and nothing else.
    """
    name = f"orders-{rows}" + (f"-from-{start}" if start else "") + (f"-change-{change}" if change else "")
    columns = COLUMNS.replace("$change", str(int(change)))
    return _write(directory / f"{name}.csv", columns, start, start + rows)


def warm_up(directory: Path = DATA) -> Path:
    """A 100-row file of the ``warmup`` contract, for a process that wants its imports behind it."""
    return _write(directory / "warmup.csv", WARM_UP, 0, 100)


def untidy(rows: int, directory: Path = DATA) -> Path:
    """The orders as people keep them: a title, CRLF and LF mixed, and in each thousand lines a comment, a quote that is
    not doubled, a record that lacks a cell and one with quotes inside plain text.
    """
    path = directory / f"untidy-{rows}.csv"
    if path.exists():
        return path
    partial = path.with_suffix(".partial")
    with orders(rows, directory=directory).open("rb") as source, partial.open("wb") as target:
        target.write(b"Orders of all shops\r\n\r\n")
        for number, line in enumerate(source):
            target.write(_spoiled(number, line.rstrip(b"\n")) + (b"\r\n" if number // 1000 % 2 else b"\n"))
    return partial.replace(path)


def _spoiled(number: int, line: bytes) -> bytes:
    match number % 1000:
        case 300:
            return b"# checked up to here\n" + line
        case 500:
            start, _, note = line.rpartition(b",")
            return start + b',"the "best" ' + note + b'"'
        case 700:
            return line.rpartition(b",")[0]
        case 900:
            return line + b" 5' 11\" tall"
    return line


def workbook(rows: int, directory: Path = DATA) -> Path:
    """The orders as an Excel sheet: numbers, texts, dates and booleans in cells of their own types."""
    path = directory / f"orders-{rows}.xlsx"
    if path.exists():
        return path
    partial = path.with_suffix(".partial")
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("orders")
    with duckdb.connect() as connection:
        found = connection.execute(
            "FROM read_csv(?, header = true)", [str(orders(rows, directory=directory))]
        )
        sheet.append([column[0] for column in found.description or ()])
        while row := found.fetchone():
            sheet.append(row)
    book.save(partial)
    return partial.replace(path)


def totals(path: Path) -> tuple[int, int]:
    """Rows of an orders file, and the sum of their quantities in units: what a right load must show."""
    query = "SELECT count(*), sum(quantity) FROM read_csv(?, header = true)"
    with duckdb.connect() as connection:
        rows, quantity = connection.execute(query, [str(path)]).fetchone() or (0, 0)
    return int(rows), int(quantity)


def _write(path: Path, columns: str, start: int, stop: int) -> Path:
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    target = str(partial).replace("'", "''")
    with duckdb.connect(config={"preserve_insertion_order": True}) as connection:
        rows = f"SELECT {columns} FROM range({int(start)}, {int(stop)}) r(i)"
        connection.execute(f"COPY ({rows}) TO '{target}' (FORMAT csv, HEADER)")
    return partial.replace(path)


def main() -> None:
    """Write one file and print its path."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--start", type=int, default=0, help="the first id minus one")
    parser.add_argument(
        "--change", type=int, default=0, help="1 to 39: alter quantity and amount of every row"
    )
    args = parser.parse_args()
    print(orders(args.rows, args.start, args.change))


if __name__ == "__main__":
    main()
