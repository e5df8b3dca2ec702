"""One connection of the server: how much a request's head may be, and how long everything may take.

uvicorn bounds neither. Whoever sends slowly, or does not take an answer, holds a connection and
memory for as long as he likes; here his time runs out.

| what                                            | how long                                       |
|-------------------------------------------------|------------------------------------------------|
| the head of a request, from the first byte on   | `request_seconds`, then 408                    |
| its body, from the end of the head on           | the same, then 408 by the middleware; a second |
|                                                 | later the connection is closed in any case     |
| an answer that is not taken                     | the same for each 64 KiB, then it is cut off   |
| nothing between two requests                    | uvicorn's `timeout_keep_alive`                 |
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

from gateway.api.exchange import new_request_id
from gateway.api.middleware import API_POLICY, NO_STORE, SECURITY
from gateway.api.options import REQUEST_SECONDS
from gateway.api.problems import problem_answer
from gateway.domain.errors import (
    GatewayError,
    HeadersTooLarge,
    MalformedBody,
    RequestTimeout,
    UriTooLong,
)

URL_BYTES_MAX: Final = 16 * 1024
HEADERS_MAX: Final = 100
HEADERS_BYTES_MAX: Final = 32 * 1024
#: How much later than the middleware, which answers, a connection is closed.
GRACE_SECONDS: Final = 1.0


class BadHeadError(Exception):
    """The head of a request is refused; the parser turns it into an error of its own."""


class Taken(asyncio.Protocol):
    """Cuts off whoever does not take what is sent. Comes before uvicorn's own class."""

    request_seconds: float = REQUEST_SECONDS
    transport: asyncio.Transport
    _leaving: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        """Wait until the other end takes what it was sent."""
        super().pause_writing()
        loop = asyncio.get_running_loop()
        self._leaving = loop.call_later(self.request_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """It has taken enough of it."""
        self._stop_leaving()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there to take anything."""
        self._stop_leaving()
        super().connection_lost(exc)

    def _stop_leaving(self) -> None:
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None


class Connection(Taken, HttpToolsProtocol):
    """uvicorn's protocol over httptools, with limits. Make the class with `connections`."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._arriving: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._fault: GatewayError | None = None
        self._is_in_body = False

    # --- what the transport tells ------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # As uvicorn has it.
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read, and see that what has begun will end."""
        before = self._arriving
        super().data_received(data)
        if self.transport.is_closing() or self.transport.get_protocol() is not self:
            return
        if self._is_in_body:
            return
        if self._arriving is None and not self._is_busy and self.timeout_keep_alive_task is None:
            self._wait_for_head()  # Something has come that has not become a request yet.
        if self._arriving is not None:
            # In the chunk in which a head begins, other things may stand before it.
            self._head_bytes = self._head_bytes + len(data) if self._arriving is before else 1
            if self._head_bytes > URL_BYTES_MAX + HEADERS_BYTES_MAX:
                self._answer(HeadersTooLarge("The head of the request is too large."))

    # --- what the parser tells ---------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Begin to wait for the head of a request."""
        super().on_message_begin()
        if self._arriving is None:
            self._wait_for_head()

    def on_headers_complete(self) -> None:
        """Look at the size of the head, then wait for the body."""
        self._stop_waiting()
        if len(self.url) > URL_BYTES_MAX:
            self._blame(UriTooLong(f"Path and query have more than {URL_BYTES_MAX} bytes."))
        if len(self.headers) > HEADERS_MAX:
            self._blame(HeadersTooLarge(f"There are more than {HEADERS_MAX} headers."))
        if sum(len(name) + len(value) for name, value in self.headers) > HEADERS_BYTES_MAX:
            self._blame(HeadersTooLarge(f"The headers have more than {HEADERS_BYTES_MAX} bytes."))
        super().on_headers_complete()
        self._is_in_body = True
        self._arriving = self.loop.call_later(
            self.request_seconds + GRACE_SECONDS, self._body_is_late
        )

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._is_in_body = False
        self._stop_waiting()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over."""
        self._stop_waiting()
        self._stop_leaving()
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        """Answer what could not be parsed, or what was refused while it was."""
        self._answer(self._fault or MalformedBody(f"{msg} It is not well-formed HTTP."))

    # --- time is up --------------------------------------------------------------------------

    @property
    def _is_busy(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _wait_for_head(self) -> None:
        self._head_bytes = 0
        self._arriving = self.loop.call_later(self.request_seconds, self._head_is_late)

    def _head_is_late(self) -> None:
        self._arriving = None
        if self._is_busy:
            # The next one of several in a row, while the answer to the first is on its way.
            self._arriving = self.loop.call_later(self.request_seconds, self._head_is_late)
        elif self._head_bytes:
            self._answer(RequestTimeout("The head of the request did not come in time."))
        else:
            self.transport.close()

    def _body_is_late(self) -> None:
        self._arriving = None
        if self.flow.read_paused:  # It is we who do not read.
            self._arriving = self.loop.call_later(GRACE_SECONDS, self._body_is_late)
        else:
            self._abort()

    def _abort(self) -> None:
        if not self.transport.is_closing():
            self.transport.abort()

    def _stop_waiting(self) -> None:
        if self._arriving is not None:
            self._arriving.cancel()
            self._arriving = None

    # --- refusals ----------------------------------------------------------------------------

    def _blame(self, fault: GatewayError) -> None:
        """Make the parser stop.

        Raises:
            BadHeadError: always.
        """
        self._fault = fault
        raise BadHeadError

    def _answer(self, fault: GatewayError) -> None:
        """Answer without the application, which has not seen the request, and close."""
        self._stop_waiting()
        request_id = new_request_id()
        problem = problem_answer(fault, request_id)
        headers = (
            *self.server_state.default_headers,
            (b"content-type", problem.media_type),
            (b"content-length", b"%d" % len(problem.body)),
            (b"x-request-id", request_id.encode()),
            *SECURITY,
            NO_STORE,
            API_POLICY,
            (b"connection", b"close"),
        )
        lines = (b"%b: %b\r\n" % pair for pair in headers)
        self.transport.write(b"".join((STATUS_LINE[problem.status], *lines, b"\r\n", problem.body)))
        self.transport.close()


def connections(request_seconds: float) -> type[Connection]:
    """Return the class of connections with this patience."""
    return type("Connection", (Connection,), {"request_seconds": request_seconds})
