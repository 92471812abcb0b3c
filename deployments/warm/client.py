"""Starts one flow run in a copy of the zygote, and stands for it: same output, same signals, same end.

The worker runs this in the place of ``python -m prefect.engine``, which it becomes where there is no zygote, or one
with other settings. It imports little, so that it is there in an instant.
"""

import array
import contextlib
import json
import os
import resource
import signal
import socket
import sys

SOCKET = "SLUICE_ZYGOTE"
ENGINE = ["-m", "prefect.engine"]
LIMITS = sorted(getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_"))


def main() -> None:
    """Run the flow run of ``PREFECT__FLOW_RUN_ID``; end as it ends."""
    path = os.environ.get(SOCKET, "")
    with contextlib.suppress(OSError, ValueError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.connect(path)
        ended = _run(line)
        if ended is not None:
            _end(ended)
    os.execv(sys.executable, [sys.executable, *ENGINE])  # noqa: S606


def _run(line: socket.socket) -> int | None:
    """The run's wait status; None if the zygote does not take it."""
    limits = [[kind, *resource.getrlimit(kind)] for kind in LIMITS]
    request = json.dumps({"cwd": os.getcwd(), "env": dict(os.environ), "limits": limits}).encode()  # noqa: PTH109
    fds = array.array("i", [1, 2])
    line.sendmsg([len(request).to_bytes(4, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds.tobytes())])
    line.sendall(request)
    answers = line.makefile("r")
    pid = int(answers.readline() or 0)
    if not pid:
        return None
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: _pass_on(pid, number))
    # Silence means that the zygote was killed, and the run with it.
    return int(answers.readline() or signal.SIGKILL)


def _pass_on(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _end(status: int) -> None:
    """End by the same exit code or signal."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
