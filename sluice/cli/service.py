"""``sluice token``, ``serve``, ``upload`` and ``watch``: the job service from the command line."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import httpx
import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from sluice.cli import output
from sluice.cli.options import AsJson
from sluice.errors import InputError, RetryError, SetupError, SourceError
from sluice.jobs import ledger
from sluice.security.tokens import Caller, Role, mint
from sluice.settings import settings
from sluice.warehouse.connection import Warehouse

OVER = ("completed", "failed", "cancelled")
PART = 4 << 20  # bytes of one request
TUS = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
PATIENCE = 60.0  # seconds without progress
_HOUR = 3600

Gateway = Annotated[str, typer.Option(envvar="SLUICE_GATEWAY_URL", help="The gateway's URL.")]
Token = Annotated[
    str, typer.Option(envvar="SLUICE_TOKEN", help="Your access token; empty: one of this machine's key.")
]
HERE = "http://127.0.0.1:8300"


def token(
    role: Annotated[
        Literal["viewer", "operator", "admin"], typer.Option(help="What its bearer may do.")
    ] = "operator",
    organization: Annotated[int, typer.Option(help="Its organization; 0: yours.")] = 0,
    user: Annotated[int, typer.Option(help="Its user; 0: you.")] = 0,
    hours: Annotated[float, typer.Option(min=0.01, max=24 * 366, help="How long it is good for.")] = 12,
) -> None:
    """Print an access token for the gateway, signed with this machine's key; the audit log notes that it was made."""
    here = settings()
    caller = Caller(user or here.user_id, organization or here.organization_id, Role[role])
    made = mint(here, caller, hours * _HOUR)
    ledger.audit(
        Warehouse.from_settings().prepare(),
        "token.minted",
        organization_id=caller.organization_id,
        user_id=here.user_id,
        details={"role": role, "for_user": caller.user_id, "hours": hours},
    )
    output.say(made)


def serve() -> None:
    """Serve the gateway alone: docs/service.md tells what else a job needs."""
    from gateway.serve import main  # FastAPI takes half a second to import

    main()


def upload(
    file: Annotated[Path, typer.Argument(help="The file to send.", exists=True, dir_okay=False)],
    dataset: Annotated[str, typer.Option("--dataset", "-d", help="Where its records go.")] = "",
    mode: Annotated[
        Literal["append", "upsert", "replace"], typer.Option(help="What to do with rows.")
    ] = "upsert",
    force: Annotated[bool, typer.Option("--force", help="Load content that came before once more.")] = False,
    priority: Annotated[Literal["critical", "high", "normal", "low"], typer.Option()] = "normal",
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Follow the job to its end.")] = True,
    gateway: Gateway = HERE,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Send a file through the gateway, going on where a broken line left off, and follow its job."""
    size = file.stat().st_size
    told = {
        "filename": file.name,
        "file_size": size,
        "dataset": dataset,
        "mode": mode,
        "force": force,
        "priority": priority,
    }
    with _client(gateway, token) as client:
        data = _ask(client, "POST", "/api/ingest/init", json=told)
        _send(data["upload_url"], file, size)
        if wait:
            _follow(client, data["job_id"], as_json)
        else:
            output.as_json(data) if as_json else output.say(data["job_id"])


def watch(
    job: Annotated[str, typer.Argument(help="The job's id.")],
    gateway: Gateway = HERE,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Follow a job of the gateway to its end."""
    with _client(gateway, token) as client:
        _follow(client, job, as_json)


def _client(gateway: str, token: str) -> httpx.Client:
    here = settings()
    given = token or mint(here, Caller(here.user_id, here.organization_id, Role.operator), _HOUR)
    return httpx.Client(
        base_url=gateway.rstrip("/"),
        headers={"Authorization": f"Bearer {given}"},
        timeout=30,
        trust_env=False,
    )


def _ask(client: httpx.Client, method: str, path: str, **more: Any) -> Any:
    """The answer's data. Raises SluiceError with what the gateway says."""
    with _reached(str(client.base_url)):
        reply = client.request(method, path, **more)
    return _data(reply)


def _data(reply: httpx.Response) -> Any:
    try:
        body = reply.json() if reply.content else {"success": reply.is_success, "data": None}
        if body["success"]:
            return body["data"]
        message = str(body["message"])
    except (ValueError, KeyError, TypeError):
        message = f"The gateway answered {reply.status_code}."
    kind = {401: SetupError, 403: SetupError, 503: RetryError, 429: RetryError}.get(
        reply.status_code, InputError
    )
    raise kind(message)


@contextmanager
def _reached(where: str) -> Iterator[None]:
    try:
        yield
    except httpx.HTTPError as cause:
        hint = "Start it with `sluice serve`; SLUICE_GATEWAY_URL names another gateway."
        raise RetryError(f"The gateway at {where} does not answer: {cause}.", hint=hint) from None


def _send(url: str, file: Path, size: int) -> None:
    """Send the file in parts; after trouble ask where to go on. Raises RetryError, SourceError or InputError."""
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    with (
        file.open("rb") as source,
        httpx.Client(timeout=60, trust_env=False) as client,
        Progress(*columns, console=output.err, transient=True, disable=not output.err.is_terminal) as bar,
    ):
        task = bar.add_task(file.name, total=size)
        offset, since = 0, time.monotonic()
        while offset < size or not size:
            source.seek(offset)
            part = source.read(PART)
            if not part and size:
                raise SourceError(f"{file} has become shorter while it was sent.", file=file)
            try:
                reply = client.patch(url, content=part, headers={**TUS, "Upload-Offset": str(offset)})
                if _goes_on(reply) and time.monotonic() - since < PATIENCE:
                    offset = _offset(client, url, offset)
                    continue
                if not reply.is_success:
                    _data(reply)
                offset = int(reply.headers["upload-offset"])
            except httpx.HTTPError as cause:
                if time.monotonic() - since > PATIENCE:
                    raise RetryError(
                        f"The gateway does not answer: {cause}.", hint="Send it again."
                    ) from None
                offset = _offset(client, url, offset)
                continue
            since = time.monotonic()
            bar.update(task, completed=offset)
            if not size:
                return


def _goes_on(reply: httpx.Response) -> bool:
    """Whether the upload is to go on, though not here or not now; 409 may also mean that the content came before."""
    if reply.status_code == 409:
        return "offset" in reply.json()["error"]["facts"]
    return reply.status_code in (423, 503)


def _offset(client: httpx.Client, url: str, known: int) -> int:
    """Where the upload goes on, a moment later; ``known`` if the gateway does not say."""
    time.sleep(1)
    try:
        return int(client.head(url).headers["upload-offset"])
    except (httpx.HTTPError, KeyError, ValueError):
        return known


def _follow(client: httpx.Client, job_id: str, as_json: bool) -> None:
    """Tell of the job's moves until it is over. Raises InputError if it failed."""
    last = ""
    while True:
        job = _ask(client, "GET", f"/api/ingest/status/{job_id}")["job"]
        told = f"{job['status']} {job['progress']} % {job['message'] or ''}".strip()
        if told != last:
            output.note(told)
            last = told
        if job["status"] in OVER:
            break
        time.sleep(0.3)
    if as_json:
        output.as_json(job)
    if job["status"] != "completed":
        raise InputError(job["error_message"] or f"{job_id} was {job['status']}.", job_id=job_id)
    if not as_json:
        output.say(_sentence(job))


def _sentence(job: dict[str, Any]) -> str:
    counts = job["result_data"] or {}
    told = ", ".join(f"{counts.get(name, 0):,} {name}" for name in ("read", "published", "rejected"))
    return f"{job['job_id']}: {told} of {job['filename']} into {job['dataset']}."
