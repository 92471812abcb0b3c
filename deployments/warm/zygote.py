"""The zygote: has imported everything, and forks itself for each flow run, one run a process.

It has one thread and no event loop, so a copy of it is as good as a new process. When a module of ours changes on
disk it takes no more runs, which then start the usual way, and begins anew as soon as its last has ended.
"""

import atexit
import ctypes
import importlib
import os
import resource
import runpy
import selectors
import signal
import socket
import sys
import threading
import traceback
import warnings
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from prefect._internal.schemas.bases import PrefectBaseModel
from prefect.client.schemas import actions, objects, responses
from prefect.settings import get_current_settings
from pydantic import BaseModel
from tqdm import tqdm

from deployments.settings import PROJECT
from deployments.warm import known, suspension
from sluice import garbage, quality

SOCKET = "SLUICE_ZYGOTE"
# What runs import, but for what the first few lines of the engine do.
MODULES = (
    "anyio._backends._asyncio",
    "encodings.utf_8_sig",
    "prefect._internal.metrics",
    "prefect._internal.observers",
    "prefect.concurrency._sync",
    "prefect.engine",
    "prefect.flow_engine",
    "prefect.task_engine",
    "prefect.telemetry.run_telemetry",
    "prefect.utilities.visualization",
    "pyarrow.dataset",
    "rich._emoji_codes",
    "sluice.warehouse.migrate",
    "flows.batch_ingestion",
    "flows.maintenance",
)
LOOK = 1.0  # seconds between two looks at the files
ROOMS = ("sluice", "blocks", "tasks", "flows")
LONGEST = 1 << 20  # bytes of a request
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def fingerprint() -> dict[str, tuple[int, int]]:
    """Changes with any module of ours: file -> time of its last change (ns), bytes."""
    found = {}
    for room in ROOMS:
        for folder, _, names in os.walk(PROJECT / room):
            for name in names:
                if name.endswith((".py", ".yaml")):
                    with suppress(FileNotFoundError):  # an editor's own, by now renamed
                        stat = Path(folder, name).stat()
                        found[f"{folder}/{name}"] = stat.st_mtime_ns, stat.st_size
    return found


def settings_of(environment: dict[str, str]) -> dict[str, str]:
    """The part of an environment that is read when modules are imported: a run with another one needs a new process."""
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(("PREFECT_", "SLUICE_", "GX_", "PYTHON")) and not name.startswith("PREFECT__")
    }


class Zygote:
    """Takes requests at ``path`` until it is stopped or out of date. ``made``: the files before they were imported."""

    def __init__(self, path: Path, made: dict[str, tuple[int, int]]) -> None:
        self._path, self._made = path, made
        given = get_current_settings().to_environment_variables(exclude_unset=True)
        self._settings = settings_of({**os.environ, **given})
        self._selector = selectors.DefaultSelector()
        self._runs: dict[int, socket.socket] = {}
        self._lines: dict[socket.socket, int] = {}
        self._listener: socket.socket | None = None
        self._over = self._told = False

    def serve(self) -> None:
        """Fork runs until stopped, then until the last has ended."""
        woken, bell = socket.socketpair()
        for end in (woken, bell):
            end.setblocking(False)
        signal.set_wakeup_fd(bell.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        self._listen()
        self._selector.register(woken, selectors.EVENT_READ)
        while self._runs or not (self._over or self._stale()):
            for key, _ in self._selector.select(LOOK):
                if key.fileobj is woken:
                    with suppress(BlockingIOError):
                        woken.recv(4096)
                    self._reap()
                elif key.fileobj is self._listener:
                    self._accept(self._listener)
                else:
                    self._hang_up(key.fileobj)  # type: ignore[arg-type]
        signal.set_wakeup_fd(-1)
        if not self._over:
            os.execv(sys.executable, [sys.executable, "-m", "deployments.warm.zygote", str(self._path)])  # noqa: S606

    def _listen(self) -> None:
        """Take the place at once and whole: whoever connects finds the old zygote or this one."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        partial = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        partial.unlink(missing_ok=True)
        listener.bind(str(partial))
        partial.chmod(0o600)
        listener.listen(128)
        partial.replace(self._path)
        self._listener = listener
        self._selector.register(listener, selectors.EVENT_READ)

    def _stop(self, *_: object) -> None:
        self._over = True
        if self._listener:
            self._selector.unregister(self._listener)
            self._listener.close()
            self._listener = None
        for pid in self._runs:
            _signal_group(pid, signal.SIGTERM)

    def _accept(self, listener: socket.socket) -> None:
        line, _ = listener.accept()
        line.settimeout(2)
        fds: list[int] = []
        try:
            request = _received(line, fds)
            if self._over or settings_of(request.env) != self._settings or self._stale():
                line.close()
            else:
                self._fork(line, request, fds)
        except (OSError, ValueError):
            line.close()
        finally:
            for fd in fds:
                os.close(fd)

    def _fork(self, line: socket.socket, request: "Request", fds: list[int]) -> None:
        pid = os.fork()
        if pid == 0:
            self._become_run(line, request, fds)
        line.setblocking(False)
        self._runs[pid], self._lines[line] = line, pid
        self._selector.register(line, selectors.EVENT_READ)
        with suppress(OSError):
            line.send(f"{pid}\n".encode())

    def _become_run(self, line: socket.socket, request: "Request", fds: list[int]) -> None:
        """In the copy: let go of the zygote's things, then run the engine as a new process would."""
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self._selector.close()
        for each in (self._listener, line, *self._lines):
            if each:
                each.close()
        os.dup2(fds[0], 1)
        os.dup2(fds[1], 2)
        os.environ.clear()
        os.environ.update(request.env)
        os.chdir(request.cwd)
        for kind, soft, hard in request.limits:
            with suppress(ValueError, OSError):
                resource.setrlimit(kind, (soft, hard))
        sys.argv = ["prefect.engine"]
        known.believe()
        raise _Run

    def _stale(self) -> bool:
        """Whether a module of ours has changed."""
        if (now := fingerprint()) == self._made:
            return False
        if not self._told:
            changed = ", ".join(sorted({file for file, _ in now.items() ^ self._made.items()}))
            print(f"Changed: {changed}. Runs start slowly until the new code is imported.", flush=True)  # noqa: T201
            self._told = True
        return True

    def _reap(self) -> None:
        while self._runs:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            if line := self._runs.pop(pid, None):
                with suppress(OSError):
                    line.setblocking(True)
                    line.sendall(f"{status}\n".encode())
                self._forget(line)

    def _hang_up(self, line: socket.socket) -> None:
        """The client of a run is gone, killed maybe: so shall its run be."""
        with suppress(BlockingIOError):
            if line.recv(1):
                return
        if pid := self._lines.get(line):
            _signal_group(pid, signal.SIGKILL)
            self._forget(line)

    def _forget(self, line: socket.socket) -> None:
        if self._lines.pop(line, None):
            self._selector.unregister(line)
        line.close()


class _Run(BaseException):
    """Thrown in a copy, to leave the zygote's frames for the engine."""


class Request(BaseModel):
    """What a client wants: the folder, environment and limits (kind, soft, hard) that it has itself."""

    cwd: str
    env: dict[str, str]
    limits: list[tuple[int, int, int]] = []


def _received(line: socket.socket, fds: list[int]) -> Request:
    """The request; into ``fds`` go the standard output and error of its client. Raises OSError, ValueError."""
    head, found, _, _ = socket.recv_fds(line, 4, 2)
    fds += found
    size = int.from_bytes(head, "big")
    if len(head) < 4 or size > LONGEST or len(fds) != 2:
        raise ValueError("no request")
    body = b""
    while len(body) < size:
        if not (more := line.recv(size - len(body))):
            raise ValueError("cut off")
        body += more
    return Request.model_validate_json(body)


def _signal_group(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def preload() -> None:
    """Import what runs need."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # threads do not survive a fork
    tqdm.monitor_interval = 0
    for name in MODULES:
        importlib.import_module(name)
    suspension.install()
    quality.warm_up()
    from sluice.jobs.steps import warm_contracts  # by now imported; others want this module's names at once

    with suppress(Exception):  # a run will say what is wrong, where it is seen
        warm_contracts()
    _complete_models()
    if threading.active_count() > 1:
        raise SystemExit(f"The zygote has threads: {threading.enumerate()}")
    garbage.settle()


def _complete_models() -> None:
    """Prefect's models are completed at their first use, which would be in each copy again."""
    for model in (*vars(actions).values(), *vars(objects).values(), *vars(responses).values()):
        known = isinstance(model, type) and issubclass(model, PrefectBaseModel)
        if known and not model.__pydantic_complete__:
            model.model_rebuild(raise_errors=False)


def main() -> None:
    """Serve at the path given; in a copy, be the engine of one run."""
    made = fingerprint()
    preload()
    try:
        Zygote(Path(sys.argv[1]), made).serve()
    except _Run:
        pass
    else:
        return
    _be_engine()


def _be_engine() -> NoReturn:
    """Be the engine of one run, and end without taking apart all that was imported, which costs a second of CPU."""
    code = 0
    # It has been imported, which is the point; a new process would not complain.
    warnings.filterwarnings("ignore", message="'prefect.engine' found in sys.modules")
    try:
        runpy.run_module("prefect.engine", run_name="__main__", alter_sys=False)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads; logs and events are sent
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
