"""How many requests one process has in work at most: what comes on top is refused at once.

A request in work holds memory, and perhaps a place in a panel's queue or a database connection.
Beyond some number more of them make all of them slower. Reads are refused a little before changes
are: a tenth of the room is kept for those. Health is always answered, and so is /metrics.
"""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.domain.errors import ServiceUnavailable

#: The default of GATEWAY_REQUESTS_MAX.
REQUESTS_MAX: Final = 2_000
#: What a caller is told to wait.
RETRY_AFTER_SECONDS: Final = 1
#: Reads are refused when only one in so many places is left.
KEPT_FOR_CHANGES: Final = 10

_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_ALWAYS: Final = frozenset({"/livez", "/readyz", "/metrics"})
_STREAM: Final = b"text/event-stream"


class GateMiddleware:
    """Counts the requests in work, and refuses those beyond *requests_max*.

    A stream of events is in work until it begins: it lasts for hours, and its number is bounded
    where it is made.
    """

    def __init__(self, app: ASGIApp, requests_max: int) -> None:
        self.app = app
        self.requests_max = requests_max
        self.reads_max = requests_max - requests_max // KEPT_FOR_CHANGES
        self.in_work = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _ALWAYS:
            await self.app(scope, receive, send)
            return
        most = self.reads_max if scope["method"] in _READS else self.requests_max
        if self.in_work >= most:
            raise ServiceUnavailable(
                "The gateway has too many requests in work; nothing was done.",
                retry_after_seconds=RETRY_AFTER_SECONDS,
            )
        self.in_work += 1
        is_in_work = True

        async def watched(message: Message) -> None:
            nonlocal is_in_work
            if is_in_work and _begins_stream(message):
                is_in_work = False
                self.in_work -= 1
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            self.in_work -= is_in_work


def _begins_stream(message: Message) -> bool:
    if message["type"] != "http.response.start":
        return False
    return any(
        name.lower() == b"content-type" and value.startswith(_STREAM)
        for name, value in message.get("headers", ())
    )
