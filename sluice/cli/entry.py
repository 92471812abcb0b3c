"""Where ``sluice`` begins: Ctrl-C while it is still importing ends it as quietly as later."""

import gc
import os


def main() -> None:
    """Run a command line."""
    gc.set_threshold(50_000, 20, 20)  # most of a short command is imports, which leave no garbage
    try:
        from sluice.cli.main import main as run  # takes most of the start
    except KeyboardInterrupt:
        os._exit(130)
    run()
