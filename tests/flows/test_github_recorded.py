"""Traffic that was recorded of the real GitHub (npm's @octokit/fixtures), replayed through the whole sync."""

import json
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from flows.github_sync import GitHubSync, github_sync
from sluice.settings import settings
from sluice.warehouse.connection import Warehouse
from tests.sources.api.server import running

PACKAGE = "@octokit/fixtures@23.1.2"
API = "https://api.github.com"
TOLD = ("link", "etag", "location", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-resource")
Exchange = dict[str, Any]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the recordings, fetched for this test run only."""
    npm = shutil.which("npm")
    if not npm:
        pytest.skip("npm is needed to fetch the recordings")
    folder = tmp_path_factory.mktemp("octokit")
    pack = [npm, "pack", PACKAGE, "--silent"]
    done = subprocess.run(pack, cwd=folder, capture_output=True, text=True, timeout=120)
    if done.returncode and any(
        sign in done.stderr for sign in ("ENOTFOUND", "ETIMEDOUT", "ECONN", "EAI_AGAIN")
    ):
        pytest.skip("npm's registry can't be reached, which has the recordings")
    assert done.returncode == 0, done.stderr
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        archive.extractall(folder, filter="data")
    return folder / "package" / "scenarios" / "api.github.com"


class Replay:
    """Answers a request with what GitHub answered for that path and page, whatever else was asked for."""

    def __init__(self, exchanges: list[Exchange]) -> None:
        self.url, self.asked = "", list[str]()
        self._answers: dict[tuple[str, str], Exchange] = {}
        for one in exchanges:
            path, _, query = one["path"].partition("?")
            page = dict(part.partition("=")[::2] for part in query.split("&")).get("page", "1")
            if one["method"] == "get":
                self._answers[path, page] = one
            elif one["status"] == 201 and path.endswith(
                "/repos"
            ):  # what it made is there, though nobody asked
                self._answers.setdefault(
                    (f"/repos/{one['response']['full_name']}", "1"), one | {"status": 200}
                )

    async def answer(self, request: Request) -> Response:
        """The recorded answer, as if this server were GitHub."""
        self.asked.append(request.url.path)
        one = self._answers.get((request.url.path, request.query_params.get("page", "1")))
        if one is None:
            return JSONResponse({"message": "Not Found"}, 404)
        told = one.get("responseHeaders") or one["rawHeaders"]
        pairs = told.items() if isinstance(told, dict) else zip(told[::2], told[1::2], strict=True)
        headers = {name: value.replace(API, self.url) for name, value in pairs if name.lower() in TOLD}
        body = json.dumps(one["response"]).replace(API, self.url)
        return Response(body, one["status"], headers, "application/json")


@contextmanager
def replayed(folder: Path, scenario: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Replay]:
    """The scenario's recording as the project's GitHub."""
    replay = Replay(json.loads((folder / scenario / "raw-fixture.json").read_text()))
    app = Starlette(routes=[Route("/{rest:path}", replay.answer)])
    with running(app) as replay.url:
        monkeypatch.setenv("SLUICE_ALLOWED_ADDRESSES", "127.0.0.0/8")
        monkeypatch.setenv("SLUICE_GITHUB_API_URL", replay.url)
        settings.cache_clear()
        yield replay


def rows(warehouse: Warehouse, query: str) -> list[Any]:
    with warehouse.connect() as connection:
        return connection.execute(query.encode()).fetchall()


def names(replay: Replay) -> list[str]:
    """The repositories of the recording that can be asked for, first the first."""
    found = [path.removeprefix("/repos/") for path, _ in replay._answers if path.startswith("/repos/")]
    return [name for name in found if name.count("/") == 1]


def test_recorded_pages_of_issues_become_bugs(
    project: Warehouse, recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with replayed(recorded, "paginate-issues", monkeypatch) as replay:
        (name,) = names(replay)
        done = github_sync(GitHubSync(repository=name))
    assert (done["projects"]["published"], done["projects"]["rejected"]) == (1, 0)
    assert (done["bugs"]["published"], done["bugs"]["rejected"]) == (13, 0)
    assert [path for path in replay.asked if path.endswith("/issues")][1:] == [
        "/repositories/515435940/issues"
    ] * 4
    query = "SELECT DISTINCT project, status, reported_by FROM data.bugs"
    assert rows(project, query) == [(name.partition("/")[2], "open", "octokit-fixture-user-a")]


def test_a_recorded_repository_becomes_a_project(
    project: Warehouse, recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with replayed(recorded, "get-repository", monkeypatch):
        done = github_sync(GitHubSync(repository="octokit-fixture-org/hello-world"))
    assert (done["projects"]["published"], done["bugs"]["read"]) == (1, 0)
    assert rows(project, "SELECT name, github_url, owner, status FROM data.projects") == [
        (
            "hello-world",
            "https://github.com/octokit-fixture-org/hello-world",
            "octokit-fixture-org",
            "active",
        )
    ]


def test_a_recorded_rename_is_followed(
    project: Warehouse, recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with replayed(recorded, "rename-repository", monkeypatch) as replay:
        (name,) = names(replay)
        github_sync(GitHubSync(repository=name))
    ((url,),) = rows(project, "SELECT github_url FROM data.projects")
    assert not url.endswith(name)
    assert "/repositories/515436299" in replay.asked
