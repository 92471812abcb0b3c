"""``make up``: the whole platform in the foreground, on loopback, until Ctrl-C."""

import argparse
import signal
import sys

from deployments import api
from deployments.board import Board
from deployments.platform import Platform
from deployments.settings import PlatformSettings
from deployments.state import AlreadyRunning, PlatformState, sole_platform
from sluice.errors import SluiceError


def main(arguments: list[str] | None = None) -> int:
    """Run the platform. Returns the exit code: 0 after a wanted stop or if one runs already, else 2."""
    options = _options(arguments)
    settings = PlatformSettings(**({"port": options.port} if options.port else {}))
    board = Board()
    stop = _Stop()
    try:
        with sole_platform(settings.root):
            Platform(settings, board, lambda: not stop.asked).run(exit_when_ready=options.exit_when_ready)
    except AlreadyRunning as error:
        return _meet_running(settings, board, error)
    except SluiceError as error:
        board.complain(str(error))
        return error.exit_code
    board.say("Stopped.")
    return 0


class _Stop:
    """Ctrl-C, SIGTERM and a closed terminal ask for a stop. Only a flag: no step breaks off."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask)

    def _ask(self, *_: object) -> None:
        self.asked = True


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make up",
        description="Runs PostgreSQL, the Prefect server and UI, a worker; registers deployments and blocks.",
    )
    parser.add_argument("--port", type=int, help="port of the Prefect server (default: SLUICE_PORT or 4200)")
    parser.add_argument("--exit-when-ready", action="store_true", help="start, check, show, and stop again")
    return parser.parse_args(arguments)


def _meet_running(settings: PlatformSettings, board: Board, error: SluiceError) -> int:
    state = PlatformState.running(settings.root)
    if not state:
        board.complain(f"{error} It is starting or stopping: wait a moment, then try again.")
        return 2
    pid = state.processes[0].pid
    if not api.answers(state.api_url):
        board.complain(f"{error} It does not answer yet. If that stays so: kill {pid}, then try again.")
        return 2
    board.say(
        f"Sluice is already up since {state.started:%Y-%m-%d %H:%M} UTC (process {pid}): {state.ui_url}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
