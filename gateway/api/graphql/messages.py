"""The messages of graphql-transport-ws, checked; and the codes that end a connection.

Protocol: PROTOCOL.md of the npm package graphql-ws.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final, Literal

from gateway.api.graphql.http import request_of
from gateway.api.graphql.request import GraphqlRequest
from gateway.api.rest import json_body
from gateway.domain.errors import InvalidRequest, MalformedBody

PROTOCOL: Final = "graphql-transport-ws"
ID_LENGTH_MAX: Final = 128
#: RFC 6455 section 5.5: 125 bytes for a control frame, two of them for the code.
REASON_BYTES_MAX: Final = 123


class Code(IntEnum):
    """Why a connection ends.

    Clients of the package graphql-ws do not come back by themselves after 4400, 4401, 4403, 4406,
    4409 and 4429; after 1013 and 4408 they do.
    """

    TRY_AGAIN_LATER = 1013
    INVALID_MESSAGE = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    SUBPROTOCOL = 4406
    INIT_TIMEOUT = 4408
    ID_TAKEN = 4409
    TOO_MANY_INITS = 4429


class Hangup(Exception):
    """The connection must end, for this reason; `told` is the code of the log line."""

    def __init__(self, code: Code, reason: str, *, told: str | None = "invalid_request") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.told = told


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a client. `payload` is that of all but `subscribe`."""

    type: Literal["connection_init", "ping", "pong", "subscribe", "complete"]
    id: str = ""
    payload: dict[str, Any] | None = None
    request: GraphqlRequest = field(default_factory=GraphqlRequest)


def message_of(text: str | None) -> Message:
    """Return the message in a frame; None stands for a frame that is not text.

    Raises:
        Hangup: it is none that the protocol knows.
    """
    if text is None:
        raise _invalid("only text is understood")
    try:
        value = json_body.parse(text.encode())
    except MalformedBody:
        raise _invalid("not one well-formed JSON value") from None
    match value:
        case {"type": "connection_init" | "ping" | "pong" as kind, **rest}:
            payload = rest.get("payload")
            if not isinstance(payload, dict | None):
                raise _invalid("payload must be an object")
            return Message(type=kind, payload=payload)
        case {"type": "complete", "id": str() as name} if name:
            return Message(type="complete", id=name)
        case {"type": "subscribe", "id": str() as name, "payload": payload} if (
            0 < len(name) <= ID_LENGTH_MAX
        ):
            return Message(type="subscribe", id=name, request=_request(payload))
        case _:
            raise _invalid("not a message of the protocol, or without its members")


def _request(payload: object) -> GraphqlRequest:
    try:
        return request_of(payload, at="/payload/")
    except InvalidRequest as error:
        fault = error.faults[0]
        raise _invalid(f"{fault.pointer} {fault.detail}") from None


def _invalid(why: str) -> Hangup:
    return Hangup(Code.INVALID_MESSAGE, f"Invalid message: {why}")


def cut_reason(reason: str) -> str:
    """Return as much of *reason* as a close frame can hold."""
    return reason.encode()[:REASON_BYTES_MAX].decode("utf-8", errors="ignore")
