"""How every task is run: its retries, when to retry at all, and that nothing is cached or hashed."""

from typing import Any, TypedDict

from prefect.cache_policies import NO_CACHE, CachePolicy
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import exponential_backoff

from sluice.errors import SluiceError


class Policy(TypedDict):
    """The keyword arguments of ``@task`` that all steps share."""

    timeout_seconds: float
    retries: int
    retry_delay_seconds: Any
    retry_jitter_factor: float
    retry_condition_fn: Any
    cache_policy: CachePolicy
    persist_result: bool


def step(minutes: float, retries: int) -> Policy:
    """A step that may take ``minutes`` and is tried again after 2, 4, 8, ... seconds with jitter."""
    return Policy(
        timeout_seconds=minutes * 60,
        retries=retries,
        retry_delay_seconds=exponential_backoff(backoff_factor=2),
        retry_jitter_factor=0.25,
        retry_condition_fn=worth_retrying,
        cache_policy=NO_CACHE,
        persist_result=False,
    )


def worth_retrying(_task: Any, _run: TaskRun, state: State[Any]) -> bool:
    """Only errors of the retry family are tried again, and a step that ran out of time."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, TimeoutError) or (isinstance(error, SluiceError) and error.retryable)
