"""A source's security policy in a job: checked before its first record, recorded, held on every connection."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from sluice.errors import PolicyRefused, RetryError, SluiceError, SourceError
from sluice.jobs import ledger
from sluice.settings import settings
from sluice.sources.api import verify
from sluice.sources.api.declared import policy_of
from sluice.sources.api.secured import Secured
from sluice.sources.guard import Guard
from sluice.sources.model import AnySource, ApiSource
from sluice.warehouse.connection import Warehouse

FILE = "policy.json"  # beside the records that came under it
STEPS = ("requirements", "authentication", "connection")
Report = dict[str, Any]


@dataclass(frozen=True, slots=True)
class About:
    """What a check is made for. ``folder``: where its report lies from step to step; no ``job_id``: an audit."""

    organization_id: int
    dataset: str
    folder: Path
    job_id: str | None = None


class Check:
    """The check of one source, step by step; what was found is kept in the job's folder and written to the audit log.

    Steps raise PolicyRefused and SourceError, which are recorded, and RetryError.
    """

    def __init__(
        self, warehouse: Warehouse, about: About, source: ApiSource, secrets: Mapping[str, Any] | None
    ) -> None:
        policy = policy_of(source)
        if policy is None:
            raise PolicyRefused(
                f"{source.label} has no security policy.",
                hint="Declare one as `security`: see docs/secure-apis.md.",
            )
        self._warehouse, self._about, self._policy = warehouse, about, policy
        self.secured = Secured(source, policy, secrets, Guard.from_settings(settings()))
        told = {"source": source.label, "block": source.block, "policy": policy.model_dump(mode="json")}
        key = hashlib.sha256(orjson.dumps([source.identity, told], option=orjson.OPT_SORT_KEYS)).hexdigest()
        self._file = about.folder / "policies" / f"{key[:16]}.json"
        self.report: Report = orjson.loads(self._file.read_bytes()) if self._file.exists() else told

    @property
    def done(self) -> bool:
        """Whether all its steps are, in this job."""
        return all(step in self.report for step in STEPS)

    def requirements(self) -> Report:
        """Whether declaration and login are what the policy wants; nothing is asked."""
        return self._step("requirements", lambda: verify.requirements(self.secured))

    def authentication(self) -> Report:
        """Whether the login opens the source, and only with all that the policy wants."""
        return self._step("authentication", lambda: verify.authentication(self.secured))

    def connection(self) -> Report:
        """What is negotiated with the server, and its certificate; nothing is asked."""

        def found() -> dict[str, Any]:
            one = verify.connection(self.secured)
            return {**one.as_dict(), "warnings": one.warnings}

        return self._step("connection", found)

    def all(self) -> Report:
        """All steps, unless they were done in this job."""
        if not self.done:
            self.requirements()
            self.authentication()
            self.connection()
        return self.report

    @contextmanager
    def collecting(self) -> Iterator[dict[str, Any]]:
        """The client arguments that hold the policy; what it turns away is recorded."""
        try:
            yield self.secured.arguments()
        except SourceError as error:
            if isinstance(error, PolicyRefused) or verify.of_tls(error):
                self._refused("collection", error)
            raise

    def _step(self, step: str, work: Callable[[], dict[str, Any]]) -> Report:
        try:
            self.report[step] = work()
        except SluiceError as error:
            if not isinstance(error, RetryError):
                self._refused(step, error)
            raise
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_bytes(orjson.dumps(self.report))
        if self.done:
            self._record("policy.checked", self.report)
        return self.report

    def _refused(self, step: str, error: SluiceError) -> None:
        self._record("policy.refused", {**self.report, "step": step, "refused": error.message})

    def _record(self, event: str, report: Report) -> None:
        about = self._about
        ledger.audit(
            self._warehouse,
            event,
            organization_id=about.organization_id,
            job_id=about.job_id,
            dataset=about.dataset,
            details=report,
        )
        if about.job_id:
            ledger.note(self._warehouse, about.job_id, "security", {report["source"]: report})


@contextmanager
def held(
    warehouse: Warehouse, about: About, source: AnySource, secrets: Mapping[str, Any] | None, landing: Path
) -> Iterator[Mapping[str, Any] | None]:
    """The source's client arguments for its collection into ``landing``, under its policy if it has one.

    Checks the policy first, unless this job has. Raises as ``Check`` does.
    """
    if not isinstance(source, ApiSource) or (policy := policy_of(source)) is None:
        yield secrets
        return
    check = Check(warehouse, about, source, secrets)
    check.all()
    landing.mkdir(parents=True, exist_ok=True)
    (landing / FILE).write_text(policy.model_dump_json())
    with check.collecting() as arguments:
        yield arguments
