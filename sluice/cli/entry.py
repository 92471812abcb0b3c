"""Where ``sluice`` begins: Ctrl-C while it is still importing ends it as quietly as later."""

import os


def main() -> None:
    """Run a command line."""
    try:
        from sluice.cli.main import main as run  # takes most of the start
    except KeyboardInterrupt:
        os._exit(130)
    run()
