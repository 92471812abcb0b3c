"""Good clients of the job service: they send with an idempotency key, and try again until told yes or no."""

import itertools
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import httpx

ROWS = 20
OVER = ("completed", "failed", "cancelled")
LATER = (408, 409, 423, 429, 500, 502, 503, 504)


@dataclass
class Sent:
    """A file and the job that the service accepted for it."""

    prefix: str
    job_id: str


@dataclass
class Clients:
    """Threads that each send a file of its own content, wait for its job's end, and begin again.

    ``patience``: seconds, from the last ``disturbed`` on if that is later than what they wait for. ``troubles``: what
    no client should see, such as an answer of 500.
    """

    connect: Callable[[], httpx.Client]
    patience: float = 240.0
    accepted: list[Sent] = field(default_factory=list)
    ended: dict[str, str] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _disturbed: float = 0.0

    def start(self, count: int) -> None:
        """Every other one announces its file and sends the bytes afterwards."""
        ways = itertools.cycle((self._in_one, self._in_two))
        for way, _ in zip(ways, range(count), strict=False):
            self._threads.append(threading.Thread(target=self._work, args=(way,), daemon=True))
            self._threads[-1].start()

    def disturbed(self) -> None:
        """Something was killed now: what they wait for may begin anew."""
        self._disturbed = time.monotonic()

    def stop(self) -> None:
        """Send no more; wait until all that was sent has ended. Raises AssertionError if it does not."""
        self._over.set()
        deadline = time.monotonic() + self.patience + 30
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0.1))
        assert not [one for one in self._threads if one.is_alive()], "clients are still waiting"

    def _work(self, way: Callable[[httpx.Client, str, bytes], str]) -> None:
        with self.connect() as http:
            while not self._over.is_set():
                prefix = f"fault-{uuid.uuid4().hex}"
                rows = "".join(f"{prefix}-{number},{number}\n" for number in range(ROWS))
                try:
                    job_id = way(http, prefix, f"page,seconds\n{rows}".encode())
                    self.accepted.append(Sent(prefix, job_id))
                    self.ended[job_id] = self._end_of(http, job_id)
                except Exception as trouble:
                    self.troubles.append(f"{prefix}: {type(trouble).__name__}: {trouble}")

    def _in_one(self, http: httpx.Client, prefix: str, content: bytes) -> str:
        headers = {"Idempotency-Key": prefix}
        form = {"dataset": "visits", "mode": "append"}
        for _ in self._tries():
            if reply := self._asked(
                http,
                "POST",
                "/api/ingest/csv",
                headers=headers,
                data=form,
                files={"file": (f"{prefix}.csv", content)},
            ):
                body = reply.json()
                if reply.status_code == 202:
                    return str(body["data"]["job_id"])
                if reply.status_code == 409 and (job := body["error"]["facts"].get("job_id")):
                    return str(job)
                self._note(reply)
        raise AssertionError

    def _in_two(self, http: httpx.Client, prefix: str, content: bytes) -> str:
        headers = {"Idempotency-Key": prefix}
        told = {
            "filename": f"{prefix}.csv",
            "dataset": "visits",
            "mode": "append",
            "file_size": len(content),
        }
        for _ in self._tries():
            reply = self._asked(http, "POST", "/api/ingest/init", headers=headers, json=told)
            if reply and reply.status_code == 201:
                made = reply.json()["data"]
                break
            if reply:
                self._note(reply)
        tus = {"Content-Type": "application/offset+octet-stream"}
        for _ in self._tries():
            there = self._asked(http, "HEAD", made["upload_url"])
            if there is None or there.status_code != 200:
                continue
            offset = int(there.headers["Upload-Offset"])
            headers = {**tus, "Upload-Offset": str(offset)}
            done = self._asked(http, "PATCH", made["upload_url"], headers=headers, content=content[offset:])
            if (
                done is not None
                and done.status_code == 204
                and int(done.headers["Upload-Offset"]) == len(content)
            ):
                return str(made["job_id"])
            if done is not None:
                self._note(done)
        raise AssertionError

    def _end_of(self, http: httpx.Client, job_id: str) -> str:
        for _ in self._tries():
            reply = self._asked(http, "GET", f"/api/ingest/status/{job_id}")
            if reply is not None and reply.status_code == 200:
                status = str(reply.json()["data"]["job"]["status"])
                if status in OVER:
                    return status
            elif reply is not None:
                self._note(reply)
        raise AssertionError

    def _tries(self) -> Iterator[int]:
        began = time.monotonic()
        for number in itertools.count():
            assert time.monotonic() < max(began, self._disturbed) + self.patience, "nothing came of it"
            yield number
            time.sleep(0.2)

    def _note(self, reply: httpx.Response) -> None:
        """An answer that says neither yes nor no is a defect, unless it says "later"."""
        if reply.status_code == 500 or (reply.is_client_error and reply.status_code not in LATER):
            raise AssertionError(f"{reply.request.url.path}: {reply.status_code} {reply.text[:300]}")

    @staticmethod
    def _asked(http: httpx.Client, method: str, url: str, **more: object) -> httpx.Response | None:
        """The answer; None if there was none."""
        try:
            return http.request(method, url, **more)  # type: ignore[arg-type]
        except httpx.TransportError:
            return None
