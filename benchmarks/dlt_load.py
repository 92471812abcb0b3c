"""dlt at its best: CSV -> Arrow -> Parquet -> ADBC into a table with a unique id; validates nothing."""

import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from urllib.parse import quote, urlencode

import pyarrow as pa
from psycopg.conninfo import conninfo_to_dict
from pyarrow import RecordBatch, csv

SETTINGS = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "ERROR",
    "DATA_WRITER__DISABLE_COMPRESSION": "true",
    "DATA_WRITER__FILE_MAX_ITEMS": "500000",
    "LOAD__WORKERS": "2",
    "LOAD__DELETE_COMPLETED_JOBS": "true",
}
TYPES = {
    "id": pa.int64(),
    "order_no": pa.string(),
    "customer_id": pa.int64(),
    "email": pa.string(),
    "status": pa.string(),
    "country": pa.string(),
    "quantity": pa.int64(),
    "amount": pa.decimal128(12, 2),
    "express": pa.bool_(),
    "ordered_on": pa.date32(),
    "updated_at": pa.timestamp("us"),
    "note": pa.string(),
}


def batches(path: str) -> Iterator[RecordBatch]:
    """The file's typed Arrow batches. An empty string or 'NA' stays the text it is."""
    options = csv.ConvertOptions(column_types=TYPES, strings_can_be_null=False)
    yield from csv.open_csv(path, csv.ReadOptions(block_size=16 << 20), convert_options=options)


def credentials(url: str) -> str:
    """The URL with a host and a password, which dlt insists on; a socket folder stays a parameter."""
    parts = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    user, password, database = (
        parts.pop("user"),
        parts.pop("password", "none"),
        parts.pop("dbname", "postgres"),
    )
    return f"postgresql://{quote(user)}:{quote(password)}@localhost/{quote(database)}?{urlencode(parts)}"


def main() -> None:
    """``dlt_load URL SCHEMA FILE``: load once, print seconds and CPU seconds (without imports) as JSON."""
    url, schema, path = sys.argv[1:]
    os.environ.update(SETTINGS)
    # Reads its settings at import.
    import dlt
    from dlt.destinations import postgres

    with tempfile.TemporaryDirectory() as home:
        pipeline = dlt.pipeline(
            "bench",
            destination=postgres(credentials(url)),
            dataset_name=schema,
            pipelines_dir=home,
        )
        started, cpu = time.perf_counter(), _cpu()
        pipeline.run(
            dlt.resource(batches(path), name="orders", columns={"id": {"unique": True, "nullable": False}}),
            table_name="orders",
            write_disposition="append",
            loader_file_format="parquet",
        )
        seconds, used = time.perf_counter() - started, _cpu() - cpu
    sys.stdout.write(f'\n{{"seconds": {seconds}, "cpu_seconds": {used}}}\n')


def _cpu() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


if __name__ == "__main__":
    main()
