"""From any file to typed Parquet: ``open_table`` understands the bytes, ``stage`` types them."""

from sluice.readers.base import RawTable, Reject, Sink, Stage
from sluice.readers.open import check_options, open_table
from sluice.readers.stage import stage

__all__ = ["RawTable", "Reject", "Sink", "Stage", "check_options", "open_table", "stage"]
