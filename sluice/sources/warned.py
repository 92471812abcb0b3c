"""What a source gives to think about, kept beside what it brought until the job tells it."""

from collections.abc import Sequence
from pathlib import Path

import orjson

FILE = "warnings.json"


def lay(folder: Path, warnings: Sequence[str]) -> None:
    """Lay them into the folder of one input, instead of those that lie there."""
    if warnings or (folder / FILE).exists():
        (folder / FILE).write_bytes(orjson.dumps(list(warnings)))


def laid(folder: Path) -> tuple[str, ...]:
    """All that lie beside the inputs of a job, in ``folder``; each once."""
    found = (orjson.loads(path.read_bytes()) for path in sorted(folder.glob(f"*/{FILE}")))
    return tuple(dict.fromkeys(text for texts in found for text in texts))
