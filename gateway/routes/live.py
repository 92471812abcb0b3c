"""Live: events as they happen, by server-sent events or over a WebSocket, each going on where it ended."""

import json
from collections.abc import AsyncIterator
from typing import Annotated

from anyio import create_task_group
from fastapi import APIRouter, Header, Query, WebSocket
from fastapi.responses import StreamingResponse
from starlette.websockets import WebSocketDisconnect

from gateway.access import Served, Viewer
from gateway.problems import GUARDED
from gateway.state import service_of
from sluice.queue.events import Event
from sluice.security.tokens import Refused

router = APIRouter(tags=["live"])


def _data(event: Event) -> str:
    return json.dumps(
        {
            "id": event.id,
            "type": event.kind,
            "job_id": event.job_id,
            "at": event.at.isoformat(),
            **event.data,
        },
        ensure_ascii=False,
    )


@router.get(
    "/api/ingest/events",
    response_class=StreamingResponse,
    responses=GUARDED
    | {200: {"content": {"text/event-stream": {}}, "description": "Events, one after the other."}},
)
async def events(
    served: Served,
    who: Viewer,
    last_event_id: Annotated[
        int | None, Header(ge=0, description="Where to go on; none: from now on.")
    ] = None,
) -> StreamingResponse:
    """The organization's events as they happen: moves of jobs, METRIC_UPDATE, DATA_POINT, ALERT."""

    start = last_event_id if last_event_id is not None else await served.hub.now(who.organization_id)

    async def lines() -> AsyncIterator[str]:
        yield "retry: 1000\n\n"
        async for found in served.hub.follow(who.organization_id, start):
            for event in found:
                yield f"id: {event.id}\nevent: {event.kind}\ndata: {_data(event)}\n\n"
            if not found:
                yield ": still here\n\n"

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(lines(), media_type="text/event-stream", headers=headers)


@router.websocket("/api/ws")
async def socket(
    line: WebSocket,
    last_event_id: Annotated[int | None, Query(ge=0)] = None,
) -> None:
    """The same over a WebSocket. The token comes as the subprotocol ``bearer, TOKEN``, or as a bearer header."""
    served = service_of(line)
    offered = [one.strip() for one in line.headers.get("sec-websocket-protocol", "").split(",")]
    token = line.headers.get("authorization", "").removeprefix("Bearer ")
    if offered[:1] == ["bearer"]:
        token = offered[-1]
    try:
        who = served.keys.caller(token)
    except Refused as refusal:
        await line.close(4401, refusal.message[:120])
        return
    start = last_event_id if last_event_id is not None else await served.hub.now(who.organization_id)
    await line.accept("bearer" if offered[:1] == ["bearer"] else None)

    async def listen_for_the_end() -> None:
        try:
            while True:
                await line.receive_text()
        except WebSocketDisconnect:
            group.cancel_scope.cancel()

    async with create_task_group() as group:
        group.start_soon(listen_for_the_end)
        async for found in served.hub.follow(who.organization_id, start):
            for event in found:
                await line.send_text(_data(event))
