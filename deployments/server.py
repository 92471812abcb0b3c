"""The Prefect server of this machine: as it comes, but for how often it looks for garbage and checks a schema."""

import importlib
import sys
from typing import Any

import orjson

from sluice import garbage


def check_schemas_once() -> None:
    """Have Prefect check a JSON schema against that of all schemas only when it is new.

    It checks the schema of a work pool's variables twice for each flow run that is made, which takes 18 ms.
    """
    validator = importlib.import_module("prefect.utilities.schema_tools.validation")._VALIDATOR
    check, good = validator.check_schema, set[bytes]()

    def once(schema: Any, *more: Any, **named: Any) -> None:
        key = orjson.dumps([schema, repr((more, named))], option=orjson.OPT_SORT_KEYS)
        if key not in good:
            check(schema, *more, **named)
            good.add(key)

    validator.check_schema = once


def main() -> None:
    """Run ``prefect server start`` in this process; the environment names host and port."""
    garbage.look_rarely()
    importlib.import_module("prefect.server.api.server")  # it would be, a moment later
    prefect_cli = importlib.import_module("prefect.cli").app
    check_schemas_once()
    garbage.settle()
    sys.argv = ["prefect", "server", "start"]
    prefect_cli()


if __name__ == "__main__":
    main()
