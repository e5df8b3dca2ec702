"""`POST /v1/inbound/{source_id}`: what billing systems deliver, proved by signatures, not by keys.

The answer says nothing but that the event is kept: what it does, the source's log of events says.
"""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Route

from gateway.api.exchange import Answer, Exchange, exchange_of
from gateway.api.rest.json_body import read_body
from gateway.domain.caller import Caller
from gateway.domain.errors import BodyTooLarge, NotFound
from gateway.domain.ids import IdKind, SourceId, is_id
from gateway.domain.inbound import BODY_BYTES_MAX
from gateway.domain.inbound_signatures import HEADERS
from gateway.services.context import Context, Ports
from gateway.services.inbound_receiving import Reception, receive_event

PATH: Final = "/v1/inbound/{source_id}"
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def inbound_routes(ports: Ports) -> list[Route]:
    """Return the route; it takes POST only, and says so itself."""

    async def answer(request: Request) -> Answer:
        exchange = exchange_of(request.scope)
        exchange.route = PATH
        if request.method != "POST":
            raise HTTPException(405, headers={"Allow": "POST"})
        source_id = request.path_params["source_id"]
        if not is_id(IdKind.SOURCE, source_id):
            raise NotFound("There is no such thing.")
        body = await read_body(request.receive)
        if len(body) > BODY_BYTES_MAX:
            raise BodyTooLarge(f"The body is larger than {BODY_BYTES_MAX} bytes.")
        context = Context(
            ports=ports,
            caller=Caller.system("inbound"),
            request_id=exchange.request_id,
            ip=exchange.ip,
        )
        reception = await receive_event(context, SourceId(source_id), _headers(exchange), body)
        # WooCommerce takes nothing but 200 for its ping.
        return Answer(200 if reception is Reception.PING else 202, media_type=b"")

    return [Route(PATH, answer, methods=list(_METHODS))]


def _headers(exchange: Exchange) -> dict[str, str]:
    """Return those headers that count; one that was sent twice counts as not sent."""
    found = {name: exchange.headers.get(name.encode(), []) for name in HEADERS}
    return {name: values[0].decode("latin-1") for name, values in found.items() if len(values) == 1}
