"""Where the embedded server keeps its data and its socket, and which OS user runs it."""

import hashlib
import os
import pwd
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sluice.errors import SetupError

OS_USER = "sluice"
ROOT_STATE = Path("/var/lib/sluice")
SOCKET_NAME = ".s.PGSQL.5432"
# sun_path holds 108 bytes on Linux and 104 elsewhere, with the closing zero.
SOCKET_PATH_LIMIT = 107 if sys.platform == "linux" else 103


@dataclass(frozen=True, slots=True)
class Runner:
    """The OS user that owns the data folder and runs the server's programs."""

    uid: int
    gid: int
    name: str

    @property
    def popen(self) -> dict[str, Any]:
        """Arguments that make ``subprocess`` run a program as this user."""
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can_reach(self, path: Path) -> bool:
        """Whether this user can enter the folder that holds ``path``, links resolved."""
        folder = path.resolve().parent
        return subprocess.run(["test", "-x", str(folder)], cwd="/", **self.popen).returncode == 0


def runner_for(data: Path) -> Runner:
    """The user to run the server as: the data folder's owner, else ourselves, as root our own OS user.

    Raises SetupError if the folder belongs to somebody whom we can't act for.
    """
    try:
        owner = data.stat().st_uid
    except FileNotFoundError:
        owner = os.geteuid()
    except PermissionError as cause:
        raise SetupError(
            f"The warehouse's data folder {data} can't be opened: permission denied.",
            hint="Run as the user who made it, or set SLUICE_HOME to a folder of your own.",
            folder=str(data),
        ) from cause
    if os.geteuid() not in (0, owner):
        raise SetupError(
            f"The warehouse's data folder {data} belongs to the OS user {_name(owner)}.",
            hint="Run as that user or as root, or set SLUICE_HOME to a folder of your own.",
            folder=str(data),
        )
    if owner == 0:
        return _own_user()
    entry = pwd.getpwuid(owner)
    return Runner(entry.pw_uid, entry.pw_gid, entry.pw_name)


def _own_user() -> Runner:
    """PostgreSQL refuses to run as root, so root runs it as an OS user made for it."""
    for attempt in (1, 2):
        try:
            entry = pwd.getpwnam(OS_USER)
            return Runner(entry.pw_uid, entry.pw_gid, OS_USER)
        except KeyError:
            if attempt == 1:
                _add_user()
    raise SetupError(
        f"PostgreSQL can't run as root, and the OS user {OS_USER!r} could not be made.",
        hint=f"Run as an ordinary user, or add the OS user {OS_USER!r} yourself.",
    )


def _add_user() -> None:
    """Make the OS user with whichever of the usual two programs there is; another process may be faster."""
    shell = "/usr/sbin/nologin"
    for command in (
        ["useradd", "--system", "--user-group", "--no-create-home", "--shell", shell, OS_USER],
        ["adduser", "-S", "-D", "-H", "-s", shell, OS_USER],
    ):
        if shutil.which(command[0]):
            subprocess.run(command, capture_output=True, check=False)
            return


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def data_folder(home: Path) -> Path:
    """``home/postgres``, links resolved. Made to link elsewhere if root's OS user can't reach it.

    ``home`` may lie below a folder that is closed to others (``/root``). Those folders are not ours to
    open, so the data then lives in ``/var/lib/sluice``, which root owns and nothing cleans.
    """
    link = home / "postgres"
    if os.geteuid() != 0 or os.path.lexists(link):
        return link.resolve()
    if _own_user().can_reach(link):
        return link.resolve()
    target = ROOT_STATE / short_hash(home) / "postgres"
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    link.symlink_to(target)
    return target


def socket_folder(data: Path) -> Path:
    """The data folder, or a short one in ``/tmp`` where the socket's path would be too long."""
    if len(os.fsencode(data / SOCKET_NAME)) <= SOCKET_PATH_LIMIT:
        return data
    return Path("/tmp") / f"sluice-{short_hash(data)}"  # noqa: S108 (claimed and checked in claim_folder)


def claim_folder(folder: Path, runner: Runner) -> None:
    """Make ``folder`` with mode 0700 for ``runner``. Raises SetupError if it is somebody else's."""
    try:
        folder.mkdir(mode=0o700)
        os.chown(folder, runner.uid, runner.gid)
    except FileExistsError:
        found = folder.lstat()
        if folder.is_symlink() or found.st_uid != runner.uid or found.st_mode & 0o077:
            raise SetupError(
                f"{folder} belongs to somebody else or is open to others.",
                hint="Remove it, or set SLUICE_HOME to a shorter path.",
                folder=str(folder),
            ) from None


def short_hash(path: Path) -> str:
    """Ten hex digits that stand for a path."""
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:10]
