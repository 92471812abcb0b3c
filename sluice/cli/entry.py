"""Where ``sluice`` begins: Ctrl-C while it is still importing ends it as quietly as later."""

import os

from sluice import garbage


def main() -> None:
    """Run a command line."""
    garbage.look_rarely()
    try:
        from sluice.cli.main import main as run  # takes most of the start
    except KeyboardInterrupt:
        os._exit(130)
    run()
