"""How every task is run: its time, its retries, when to retry at all, and that nothing is cached or hashed."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypedDict, TypeVar

from prefect.cache_policies import NO_CACHE, CachePolicy
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import TaskRunContext
from prefect.tasks import exponential_backoff

from sluice.deadline import deadline
from sluice.errors import SluiceError

P = ParamSpec("P")
R = TypeVar("R")


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


def in_time(body: Callable[P, R]) -> Callable[P, R]:
    """Stop a task's body when the task's own ``timeout_seconds`` are over.

    Prefect can't: in a thread its timeout waits for the call at work, be it a query or a download, to return.
    """
    # For the same reason Prefect warns of the timeout at each start of such a task; here it is no longer true.
    logging.getLogger("prefect.task_runs").addFilter(_not_of_the_timeout)

    @wraps(body)
    def bounded(*args: P.args, **kwargs: P.kwargs) -> R:
        context = TaskRunContext.get()
        seconds = context.task.timeout_seconds if context else None
        if context is None or not seconds:
            return body(*args, **kwargs)
        # Prefect's own error may strike at any line, so the body is stopped just before and ends in order.
        with deadline(context.task.name, seconds, early=min(1.0, seconds / 10)):
            return body(*args, **kwargs)

    return bounded


def _not_of_the_timeout(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith("Timeout of %s seconds configured for this task, but")
