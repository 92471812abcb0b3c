"""Every process of the platform is killed with SIGKILL under load: each accepted job ends, its rows exactly once.

``SLUICE_KILLS`` sets how many; by default each kind of process dies once.
"""

import itertools
import logging
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import psutil
import psycopg
import pytest

from sluice.warehouse.embedded import Embedded
from tests.conftest import PLATFORM, temporary_home
from tests.crash.clients import ROWS, Clients
from tests.deployments.conftest import Running, started, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CHILDREN = ("gateway", "dispatcher", "worker", "zygote", "server")
VICTIMS = (*CHILDREN, "run", "postgres")
CLIENTS = 4
KILLS = int(os.environ.get("SLUICE_KILLS", len(VICTIMS)))
_log = logging.getLogger(__name__)
# Of one job: how often it was loaded, and its rows in the table, which has no key: twice published, twice there.
_FOUND = """
SELECT j.status, j.error_message, (SELECT count(*) FROM sluice.loads l WHERE l.job_id = j.job_id),
       (SELECT count(*) FROM data.visits WHERE starts_with(page, %s))
  FROM sluice.ingestion_jobs j WHERE job_id = %s
"""
_LEFT = """
SELECT job_id, status, stage, message FROM sluice.ingestion_jobs JOIN sluice.outbox USING (job_id)
 WHERE status NOT IN ('completed', 'failed', 'cancelled')
"""


@pytest.fixture
def platform() -> Iterator[Running]:
    """One that gives jobs up as late as users' do."""
    with temporary_home() as home, started(home, **PLATFORM) as running:
        yield running


def victim(platform: Running, name: str) -> psutil.Process | None:
    """The process to kill, if there is one now."""
    with suppress(psutil.Error, StopIteration):
        if name == "postgres":
            pid = Embedded(platform.home).status().pid
            return psutil.Process(pid) if pid else None
        if name == "run":
            copies = psutil.Process(platform.pid_of("zygote")).children()
            return random.choice(copies) if copies else None
        return psutil.Process(platform.pid_of(name))
    return None


def kill(platform: Running, name: str) -> None:
    """Kill it as soon as it is there."""

    def killed() -> bool:
        with suppress(psutil.Error):
            if (found := victim(platform, name)) and found.status() != psutil.STATUS_ZOMBIE:
                found.kill()
                return True
        return False

    until(killed, 240)


def whole(platform: Running) -> bool:
    """Whether all parts are there again."""
    with suppress(psutil.Error), platform.client() as client:
        state = client.get("/readyz")
        return state.status_code == 200
    return False


def test_every_accepted_job_ends_with_its_rows_exactly_once_whoever_is_killed(platform: Running) -> None:
    seed = int(os.environ.get("SLUICE_SEED", random.randrange(1 << 30)))
    _log.warning("seed %s, %s kills", seed, KILLS)
    chance = random.Random(seed)
    clients = Clients(platform.client)
    clients.start(CLIENTS)
    until(lambda: "completed" in clients.ended.values(), 180)
    rounds = (chance.sample(VICTIMS, len(VICTIMS)) for _ in itertools.count())
    for name in itertools.islice(itertools.chain.from_iterable(rounds), KILLS):
        time.sleep(chance.uniform(0.3, 4))
        _log.warning("killing %s", name)
        kill(platform, name)
        clients.disturbed()
    clients.stop()
    until(lambda: whole(platform), 180)
    check(platform, clients)


def check(platform: Running, clients: Clients) -> None:
    """All that was accepted has ended, in full or not at all, and nothing is left of the rest."""
    assert clients.troubles == []
    with psycopg.connect(Embedded(platform.home).url(), autocommit=True) as connection:
        ends: Counter[str] = Counter()
        for sent in clients.accepted:
            row = connection.execute(_FOUND, [sent.prefix, sent.job_id]).fetchone()
            assert row is not None, sent
            status, error, loads, rows = row
            ends[status] += 1
            assert (status, loads, rows) == ("completed", 1, ROWS), (sent, error)
        assert connection.execute(_LEFT).fetchall() == []
    _log.warning("%s jobs: %s", len(clients.accepted), dict(ends))
    assert len(clients.accepted) >= CLIENTS
