"""Makes Great Expectations' pages work without a network: they expect scripts and styles from public hosts."""

import html
import re
from collections.abc import Iterable
from pathlib import Path

_FOREIGN = re.compile(
    r"<script[^>]*\ssrc=\"https?://[^>]*>\s*</script>|<link[^>]*\shref=\"https?://[^>]*>|<img[^>]*\ssrc=\"https?://[^>]*>",
    re.IGNORECASE,
)
_STYLE = """<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 70rem; padding: 1rem; }
table { border-collapse: collapse; margin: .5rem 0 1rem; width: 100%; }
td, th { border: 1px solid #d0d0d0; padding: .3rem .6rem; text-align: left; vertical-align: top; }
a { color: #0b5cad; }
h1 small, .muted { color: #666; font-weight: normal; }
.alert { background: #f3f3f3; border-radius: 4px; margin: .5rem 0; padding: .5rem .8rem; }
.badge { background: #ececec; border-radius: 4px; padding: 0 .3rem; }
footer, .collapse, .cooltip .top, .dropdown-menu, .modal, .popover, button { display: none; }
.ge-success-icon::before { color: #187a2f; content: "passed"; }
.ge-failed-icon::before { color: #b3261e; content: "failed"; }
</style>"""


def make_offline(directory: Path) -> None:
    """Take every foreign script, style and image out of the pages below ``directory``, and style them plainly."""
    for page in directory.rglob("*.html"):
        text = _FOREIGN.sub("", page.read_text(encoding="utf-8"))
        page.write_text(text.replace("</head>", _STYLE + "</head>", 1), encoding="utf-8")


def write_index(directory: Path, rows: Iterable[tuple[str, str, str]]) -> Path:
    """Replace the index, which GX fills by script, by a plain table of (dataset, version, state)."""
    lines = "".join(_row(directory, *row) for row in rows)
    path = directory / "index.html"
    path.write_text(
        f"<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'><title>Data quality</title>{_STYLE}</head>"
        "<body><h1>Data quality <small>by Great Expectations</small></h1><table>"
        f"<tr><th>Dataset</th><th>Contract</th><th>Last validation</th></tr>{lines}</table></body></html>",
        encoding="utf-8",
    )
    return path


def _row(directory: Path, dataset: str, version: str, state: str) -> str:
    pages = sorted((directory / "validations" / dataset).rglob("*.html"))
    name = html.escape(dataset)
    last = (
        f'<a href="{html.escape(pages[-1].relative_to(directory).as_posix())}">{state}</a>'
        if pages
        else state
    )
    return (
        f'<tr><td><a href="expectations/{name}.html">{name}</a></td>'
        f"<td>{html.escape(version)}</td><td>{last}</td></tr>"
    )
