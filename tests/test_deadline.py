"""Deadlines of steps: who has one, when it is over, and what is stopped then."""

import threading
import time
from contextvars import copy_context

import pytest

from sluice import deadline
from sluice.errors import RetryError


def test_without_a_deadline_nothing_ever_ends():
    deadline.at_end(lambda: pytest.fail("there is no end"))
    deadline.check()
    assert deadline.remaining() is None
    assert deadline.ran_out() is None


def test_the_time_that_is_left_shrinks_and_ends_with_the_block():
    with deadline.deadline("store data", 100):
        left = deadline.remaining()
        assert left is not None
        assert 99 < left <= 100
        deadline.check()
    assert deadline.remaining() is None


@pytest.mark.parametrize(
    ("seconds", "spoken"), [(300, "5 minutes"), (60, "1 minute"), (90, "1.5 minutes"), (1, "1 second")]
)
def test_the_error_says_which_step_after_how_long_and_what_to_do(seconds, spoken):
    with (
        deadline.deadline("store data", seconds, early=seconds),
        pytest.raises(
            RetryError, match=f"'store data' was stopped: it was not done after {spoken}"
        ) as caught,
    ):
        deadline.check()
    assert "smaller parts" in caught.value.hint
    assert (caught.value.facts["step"], caught.value.facts["seconds"]) == ("store data", seconds)


def test_the_last_moment_is_kept_for_an_orderly_end():
    with deadline.deadline("store data", 10, early=4):
        left = deadline.remaining()
        assert left is not None
        assert left <= 6


def test_items_pass_until_the_time_is_over():
    seen = []
    with pytest.raises(RetryError), deadline.deadline("collect data", 0.1):
        seen.extend(deadline.checked(iter(int, 1)))
    assert seen


def test_what_blocks_is_stopped_again_and_again_though_another_stop_fails():
    stopped = threading.Semaphore(0)
    with deadline.deadline("store data", 0.05):
        deadline.at_end(lambda: 1 / 0)
        deadline.at_end(stopped.release)
        assert stopped.acquire(timeout=5)
        assert stopped.acquire(timeout=5)


def test_nothing_is_stopped_in_a_step_that_is_done_in_time():
    stopped = threading.Event()
    with deadline.deadline("store data", 0.05):
        deadline.at_end(stopped.set)
    assert not stopped.wait(0.3)


def test_a_thread_has_the_deadline_in_a_copy_of_the_context_only():
    found = []
    with deadline.deadline("store data", 10):
        for target in (deadline.remaining, copy_context().run):
            arguments = () if target is deadline.remaining else (deadline.remaining,)
            thread = threading.Thread(target=lambda t=target, a=arguments: found.append(t(*a)))
            thread.start()
            thread.join()
    assert found[0] is None
    assert found[1] > 0


def test_a_failure_is_blamed_on_the_deadline_only_once_it_is_over():
    with pytest.raises(ZeroDivisionError), deadline.deadline("x", 10), deadline.blamed(ArithmeticError):
        1 / 0  # noqa: B018
    with pytest.raises(RetryError), deadline.deadline("x", 0), deadline.blamed(ArithmeticError):
        1 / 0  # noqa: B018
    with pytest.raises(ZeroDivisionError), deadline.deadline("x", 0), deadline.blamed(KeyError):
        1 / 0  # noqa: B018


def test_a_check_costs_less_than_a_batch_would_notice():
    with deadline.deadline("convert format", 100):
        began = time.perf_counter()
        for _ in range(10_000):
            deadline.check()
        assert time.perf_counter() - began < 0.5
