# ruff: noqa: T201
"""Reads files one after another as ``sluice read`` does, under a memory limit, and tells of each what came of it.

A line of JSON in (path, options), a line of JSON out. Run: ``python -m tests.fuzz.worker EXTRA_MB``.
"""

import json
import re
import resource
import sys
import tempfile
import time
import traceback
from contextlib import closing
from pathlib import Path
from typing import Any

from sluice.errors import BugError, ReadError, RetryError, SluiceError
from sluice.readers import open_table
from sluice.readers.base import RawTable
from sluice.readers.export import Understood, export
from sluice.settings import settings
from tests.places import located

_END = re.compile("\r\n|\r|\n")
_FOREIGN = re.compile(r"Traceback|INTERNAL|panicked|object at 0x|\bErrno\b|Assert|stack trace", re.IGNORECASE)


def main() -> None:
    """Serve until the input ends."""
    extra = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        warm = Path(folder) / "warm.csv"
        warm.write_bytes(b"a,b\n1,2\n" * 3000 + b"1\n")
        attempt(warm, {}, Path(folder))
        base = limit(extra) if extra else 0
        print(json.dumps({"ready": True, "base": base}), flush=True)
        for line in sys.stdin:
            asked = json.loads(line)
            answer = attempt(Path(asked["path"]), asked["options"], Path(folder))
            print(json.dumps(answer), flush=True)


def limit(extra_mb: int) -> int:
    """No more address space than now and ``extra_mb``. Returns what is used now, in MB."""
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    most = size + (extra_mb << 20)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return size >> 20


def attempt(path: Path, options: dict[str, str], folder: Path) -> dict[str, Any]:
    """What came of the file: ``outcome``, and a ``finding`` if it is not as it must be."""
    before = _open_files()
    Path("/proc/self/clear_refs").write_text("5")
    begin, used = time.monotonic(), _cpu()
    with tempfile.TemporaryDirectory(dir=folder) as work:
        answer = _judged(path, options, Path(work))
        left = sorted({one.name for one in Path(work).iterdir()} - {"read.csv"})
    answer["seconds"] = round(time.monotonic() - begin, 2)
    answer["cpu"] = round(_cpu() - used, 2)
    answer["peak"] = _peak()
    if left:
        answer.setdefault("finding", f"left behind: {left}")
    if (now := _open_files()) > before:
        answer.setdefault("finding", f"{now - before} file descriptors more than before")
    return answer


def _open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def _cpu() -> float:
    """Seconds of this process and those it waited for: a busy machine does not lengthen them."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def _peak() -> int:
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(found[1]) >> 10 if found else 0


def _judged(path: Path, options: dict[str, str], work: Path) -> dict[str, Any]:
    try:
        return {"outcome": "read", **_read(path, options, work)}
    except SluiceError as error:
        return {"outcome": type(error).__name__, "message": str(error)} | _badly_said(error, path, work)
    except BaseException as error:
        places = traceback.extract_tb(error.__traceback__)
        place = next(
            (f"{Path(p.filename).name}:{p.name}" for p in reversed(places) if "/sluice/" in p.filename), ""
        )
        text = "".join(traceback.format_exception(error))[-6000:]
        return {
            "outcome": "crash",
            "finding": f"{type(error).__name__} at {place}",
            "message": str(error)[:500],
            "traceback": text,
        }


def _badly_said(error: SluiceError, path: Path, work: Path) -> dict[str, str]:
    message = str(error)
    if isinstance(error, (BugError, RetryError)):
        return {"finding": f"{type(error).__name__}: {message[:200]}"}
    if str(work) in message:
        return {"finding": f"names our own copy: {re.sub(r'/[^ ]*', 'PATH', message)[:120]}"}
    if found := _FOREIGN.search(message):
        return {"finding": f"a foreign message: {found[0]}: {re.sub(r'[0-9]+', 'N', message)[-80:]}"}
    if isinstance(error, ReadError) and not error.hint:
        return {"finding": f"no hint: {message[:80]}"}
    if isinstance(error, ReadError) and str(path) not in message:
        return {"finding": f"does not say which file: {re.sub(r'[0-9]+', 'N', message)[:80]}"}
    return {}


def _read(path: Path, options: dict[str, str], work: Path) -> dict[str, Any]:
    with closing(open_table(path, options, work=work)) as table:
        with (work / "read.csv").open("w+", encoding="utf-8", newline="") as file:
            found = export(table, file, work, settings().memory_limit_mb, settings().threads)
        counted = {"format": table.format, "records": found.records, "rejects": found.rejects}
        json.dumps([table.details, table.account.as_dict()])
        wrong = _miscounted(path, table, found) or _mislocated(table, found)
        return counted | ({"finding": wrong} if wrong else {})


def _miscounted(path: Path, table: RawTable, found: Understood) -> str:
    """Records, and lines that hold none, are the lines of a text file; a record may take several by
    quotes, or by escaped line ends.
    """
    details = table.details
    if table.format != "csv" or "wrappers" in details:
        return ""
    with path.open("rb") as file:
        text = file.read().decode(details["encoding"], "replace").removeprefix("\ufeff")
    end = re.compile(re.escape(details["line_end"])) if "line_end" in details else _END
    lines = len(end.split(text)) - (not text or bool(end.fullmatch(text[-1])))
    counted = found.records + sum(table.account.lines.values())
    quoted = details.get("quote", "") and details["quote"] in text
    joined = details.get("escape", "") and re.search(f"{re.escape(details['escape'])}(?:{end.pattern})", text)
    if counted > lines or (counted < lines and not quoted and not joined):
        return f"lines that are not accounted for: {'more' if counted > lines else 'fewer'}"
    return ""


def _mislocated(table: RawTable, found: Understood) -> str:
    """The first, middle and last record can be found in the file."""
    wanted = sorted({n for n in (1, found.records // 2, found.records) if 0 < n <= found.records})
    if table.format not in ("csv", "json", "excel"):
        return ""
    places = located(table, wanted)
    rejected = {one.record_no: one for one in found.rejected}
    for number in wanted:
        if number not in places:
            return "a record that cannot be found again"
        if number in rejected and rejected[number].line != places[number][0]:
            return "a reject's line is not where the record is found"
    return ""


if __name__ == "__main__":
    main()
