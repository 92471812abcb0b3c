"""The Prefect server of this machine: as it comes, but for how often it looks for garbage."""

import importlib
import sys

from sluice import garbage


def main() -> None:
    """Run ``prefect server start`` in this process; the environment names host and port."""
    garbage.look_rarely()
    importlib.import_module("prefect.server.api.server")  # it would be, a moment later
    prefect_cli = importlib.import_module("prefect.cli").app
    garbage.settle()
    sys.argv = ["prefect", "server", "start"]
    prefect_cli()


if __name__ == "__main__":
    main()
