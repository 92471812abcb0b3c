"""The Prefect server of the local platform: as it comes, but for how often it looks for garbage.

It makes thousands of objects for each request, most of which are gone with it, and next to none in circles: by Python's
own thresholds a seventh of its time goes into looking for those, and a fifth of that of its start.
"""

import gc
import importlib
import sys

THRESHOLDS = 50_000, 20, 20


def main() -> None:
    """Run ``prefect server start`` in this process; the environment names host and port."""
    gc.disable()
    importlib.import_module("prefect.server.api.server")
    prefect_cli = importlib.import_module("prefect.cli").app
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    gc.enable()
    sys.argv = ["prefect", "server", "start"]
    prefect_cli()


if __name__ == "__main__":
    main()
