"""Developer's tool: takes the screenshots of the documentation from the running platform, with Chromium.

``python -m deployments.screenshots`` writes ``docs/images/*.png``. It starts a run of its own to show.
"""

import argparse
import base64
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from deployments.settings import PROJECT
from deployments.state import PlatformState
from sluice.errors import RetryError, SetupError, SluiceError
from sluice.settings import settings

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-port=0"),
    *("--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
# The graph of a run is drawn some seconds after the page.
SETTLE_SECONDS = 6
DEPLOYMENT = "standard-ingestion/standard-manual"
PROJECTS = {"dataset": "projects", "sources": [{"kind": "file", "path": "sample-data/projects-180.csv"}]}
BUGS = {"dataset": "bugs", "sources": [{"kind": "file", "path": "sample-data/bugs-dirty.csv"}]}


class Browser:
    """One tab of a headless Chromium, driven over its DevTools protocol."""

    def __init__(self, socket: Connection) -> None:
        self._socket = socket
        self._number = 0

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a DevTools method and return its result."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv(timeout=60))
            if answer.get("id") == self._number:
                found: dict[str, Any] = answer.get("result", {})
                return found

    def text(self) -> str:
        """What the page says now."""
        found = self.send("Runtime.evaluate", expression="document.body.innerText", returnByValue=True)
        return str(found.get("result", {}).get("value", ""))

    def wait_for(self, text: str, seconds: float = 30) -> None:
        """Return once the page says ``text``. Raises RetryError."""
        deadline = time.monotonic() + seconds
        while text.lower() not in self.text().lower():
            if time.monotonic() > deadline:
                raise RetryError(f"The page never said {text!r}.", hint=self.text()[:500])
            time.sleep(0.2)

    def shoot(self, path: Path) -> None:
        """Write what is visible as PNG."""
        time.sleep(SETTLE_SECONDS)
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))


@contextmanager
def browser(width: int = 1440, height: int = 1000) -> Iterator[Browser]:
    """A fresh Chromium with one tab. Raises SetupError where there is none."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if not program:
        raise SetupError("Chromium is not installed.", hint="Debian: apt-get install chromium")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [
            program,
            *FLAGS,
            f"--user-data-dir={profile}",
            f"--window-size={width},{height}",
            "about:blank",
        ]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            with connect(_tab(Path(profile)), max_size=None, proxy=None) as socket:
                tab = Browser(socket)
                size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
                tab.send("Emulation.setDeviceMetricsOverride", **size)
                yield tab
        finally:
            process.terminate()
            process.wait(10)


def _tab(profile: Path) -> str:
    """The DevTools address of the first tab."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if (port := profile / "DevToolsActivePort").exists() and (lines := port.read_text().split()):
            tabs = httpx.get(f"http://127.0.0.1:{lines[0]}/json", trust_env=False).json()
            return str(next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page"))
        time.sleep(0.1)
    raise RetryError("Chromium did not start within 30 s.")


def finished_run(api: httpx.Client, request: dict[str, Any]) -> str:
    """Start a run by hand and return its id once it has completed. Raises RetryError if it doesn't."""
    deployment = api.get(f"/deployments/name/{DEPLOYMENT}").raise_for_status().json()
    body = {"parameters": {"request": request | {"force": True}}}
    run = api.post(f"/deployments/{deployment['id']}/create_flow_run", json=body).raise_for_status().json()
    deadline = time.monotonic() + 120
    while (state := api.get(f"/flow_runs/{run['id']}").json()["state_type"]) != "COMPLETED":
        if state in {"FAILED", "CRASHED"} or time.monotonic() > deadline:
            raise RetryError(f"The run is {state}.", hint="See it in the UI.")
        time.sleep(0.5)
    return str(run["id"])


def pages(api: httpx.Client, run: str) -> dict[str, tuple[str, str]]:
    """Name of the picture -> path in the UI, and a text that the page shows once it is complete."""
    deployment = api.get(f"/deployments/name/{DEPLOYMENT}").json()["id"]
    query = {"artifacts": {"flow_run_id": {"any_": [run]}}}
    artifacts = {found["key"]: found["id"] for found in api.post("/artifacts/filter", json=query).json()}
    return {
        "run": (f"/runs/flow-run/{run}?tab=Logs", "Finished in state"),
        "artifacts": (f"/runs/flow-run/{run}?tab=Artifacts", "result"),
        "result": (f"/artifacts/artifact/{artifacts['result']}", "rejected"),
        "rejects": (f"/artifacts/artifact/{artifacts['rejects-sample']}", "Items per page"),
        "run-form": (f"/deployments/deployment/{deployment}/run", "Where the records come from"),
        "deployments": ("/deployments", "maintenance-nightly"),
    }


def main() -> None:
    """Load the sample projects, then the awkward bugs, and take the pictures of that run."""
    parser = argparse.ArgumentParser(prog="python -m deployments.screenshots", description=__doc__)
    parser.add_argument(
        "--out", type=Path, default=PROJECT / "docs" / "images", help="folder of the pictures"
    )
    out: Path = parser.parse_args().out
    if not (state := PlatformState.running(settings().root)):
        raise SetupError("No platform runs.", hint="Start one with `make up`.")
    out.mkdir(parents=True, exist_ok=True)
    with httpx.Client(base_url=state.api_url, trust_env=False, timeout=30) as api, browser() as tab:
        finished_run(api, PROJECTS)
        for name, (path, text) in pages(api, finished_run(api, BUGS)).items():
            tab.send("Page.navigate", url=f"{state.ui_url}/v2{path}")
            tab.wait_for(text)
            tab.shoot(out / f"{name}.png")


if __name__ == "__main__":
    try:
        main()
    except SluiceError as error:
        sys.exit(str(error))
