"""Servers that others wrote, fetched from PyPI for a test and run in an environment of their own."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

UNREACHABLE = ("dns error", "error sending request", "Could not connect", "timed out", "Failed to fetch")


@contextmanager
def running(packages: list[str], module: str, *program: str, ready: str = "/") -> Iterator[str]:
    """The URL of the server that Python runs as ``program`` (its options, and then the port); the packages don't go
    with ours. ``module``: what they bring; ``ready``: a path that answers once the server is there.
    """
    own = ["--no-project", "--isolated", "--python", sys.executable]
    own += [part for package in packages for part in ("--with", package)]
    run = [sys.executable, "-m", "uv", "run", *own, "python"]
    tried = subprocess.run([*run, "-c", f"import {module}"], capture_output=True, text=True, timeout=240)
    if tried.returncode and any(sign in tried.stderr for sign in UNREACHABLE):
        pytest.skip(f"PyPI can't be reached, which has {module}")
    assert tried.returncode == 0, tried.stderr
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([*run, *program, str(port)], **silent)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url + ready, process)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert process.poll() is None, "the server has ended"
        try:
            httpx.get(url, trust_env=False)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"{url} does not answer")
