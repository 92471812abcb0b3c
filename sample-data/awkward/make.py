"""Makes every awkward file and, beside it, NAME.expected.json: run it again and the bytes are the same.

.venv/bin/python sample-data/awkward/make.py [FOLDER]
"""

import sys
from importlib import import_module
from pathlib import Path

from cases import unique

HERE = Path(__file__).parent
AREAS = {
    "dialects": "delimiters, quotes, escapes",
    "lines": "line ends, blank lines, records of a wrong width",
    "layout": "titles, comments, totals, several tables",
    "headers": "missing, doubled, empty, long headers; one column, row or cell",
    "encodings": "encodings, byte order marks, wrong bytes",
    "wrappers": "gzip, zstd, bzip2, xz, zip",
    "json_files": "JSON in all its forms, and what it forbids",
    "sheets": "Excel and OpenDocument",
    "columnar": "Parquet and Arrow",
    "refused": "what is no table",
}


def main(target: Path) -> None:
    """Write the files of each area into its folder."""
    found = [(area, case) for area in AREAS for case in import_module(f"cases.{area}").CASES]
    list(unique(case for _, case in found))
    for area, case in found:
        folder = target / area.removesuffix("_files")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / case.name).write_bytes(case.content)
        (folder / f"{case.name}.expected.json").write_text(case.expected(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
