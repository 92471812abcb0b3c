"""Prefect flows: one file a workflow; each body reads as the steps of the job."""

from functools import partial

from prefect import flow_engine

# The thread of a run's heartbeats looks up once a second. As with asynchronous flows, nobody waits for that at the end.
flow_engine._send_heartbeats = partial(flow_engine._send_heartbeats, join_on_exit=False)
