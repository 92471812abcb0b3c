"""Runs the process that takes the sheets of a workbook out, and says why it could not."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from sluice import deadline
from sluice.errors import ReadError
from sluice.readers.sheets.refusals import protected, unpacked_size
from sluice.settings import settings


def take_out(path: Path, sheet: str, folder: Path) -> dict[str, Any]:
    """Have the workbook's process write the sheets. Raises ReadError."""
    memory_mb = settings().workbook_memory_mb
    seconds = 5 + unpacked_size(path) // 2_000_000  # CPU; a usual machine takes 0.04 for a megabyte
    asked = {
        "path": str(path),
        "folder": str(folder),
        "sheet": sheet,
        "memory_mb": memory_mb,
        "seconds": seconds,
        "packages": [folder for folder in sys.path if folder],
    }
    program = str(Path(__file__).with_name("main.py"))
    code, answer, said = _run([sys.executable, "-I", "-S", program, json.dumps(asked)], folder)
    told: dict[str, Any] = json.loads(answer) if code == 0 else {"error": _cause(code, said)}
    match told.get("error"):
        case None:
            return told
        case "password":
            raise protected(path)
        case "memory":
            message = f"needs more than {memory_mb:,} MB of memory"
            hint = "If it is real, save it as CSV or raise SLUICE_WORKBOOK_MEMORY_MB."
        case "time":
            message = f"takes more than {seconds} seconds"
            hint = "It may be made to waste time. If it is real, save it as CSV."
        case "ended":
            message = f"ended the process that reads it (code {code})"
            hint = "Something else stopped it, or the file is damaged; try again, or save it as CSV."
        case _:
            message = f"is not a workbook that can be read: {told['message']}"
            hint = "It may be cut off, or another kind of archive; save it again as xlsx."
    raise ReadError(f"{path} {message}.", hint=hint, file=path)


def _run(command: list[str], folder: Path) -> tuple[int, bytes, str]:
    """Exit code, answer and complaints of the workbook's process."""
    with (folder / "answer").open("w+b") as out, (folder / "said").open("w+b") as said:
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=said) as process:
            deadline.at_end(process.kill)
            try:
                code = process.wait()
            except BaseException:
                process.kill()
                raise
        deadline.check()
        out.seek(0)
        said.seek(0)
        return code, out.read(), said.read(100_000).decode(errors="replace").strip()


def _cause(code: int, said: str) -> str:
    """Why the process ended without an answer."""
    if code == -signal.SIGXCPU:
        return "time"
    starved = any(word in said.lower() for word in ("alloc", "memory", "resource temporarily"))
    return "memory" if starved else "ended"
