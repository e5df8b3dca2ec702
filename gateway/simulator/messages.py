"""One request and one answer, as the panel sees them, with or without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.simulator.ledger import Record

SCRIPT_TYPE: Final = "text/html; charset=UTF-8"
WEB_TYPE: Final = "text/html"

REASONS: Final = {
    200: "OK",
    301: "Moved Permanently",
    302: "Found",
    400: "Bad Request",
    404: "Not Found",
    408: "Request Timeout",
    413: "Request Entity Too Large",
    414: "Request-URI Too Large",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
}


@dataclass(frozen=True, slots=True)
class PanelRequest:
    """What arrived: the target undecoded, the body whole."""

    method: str = "POST"
    path: str = "/api.php"
    query: str = ""
    body: bytes = b""
    content_type: str = "application/x-www-form-urlencoded"
    caller: str = "127.0.0.1"
    port: int = 0
    too_large: bool = False
    """The body is beyond the web server's limit and was not read."""
    gone: asyncio.Event | None = None
    """Set when the caller hangs up; None without a socket: gone when asked."""


@dataclass(frozen=True, slots=True)
class Drip:
    """How slowly an answer is sent."""

    bytes_per_second: float | None = None
    """None: at once, until it stalls."""
    where: str = "both"
    """`head`, `body` or `both`; the other part is sent at once."""
    stall_after: int | None = None
    """Stop for ever after so many bytes of the whole answer."""


@dataclass(slots=True)
class PanelAnswer:
    """What goes back, and how its sending goes wrong, if it shall."""

    status: int
    body: bytes = b""
    content_type: str = SCRIPT_TYPE
    from_script: bool = True
    """Script answers end at the close of the connection; others carry their length."""
    location: str | None = None
    truncate_after: int | None = None
    """Close cleanly after so many bytes of the body."""
    reset_after: int | None = None
    """Reset the connection after so many bytes of the whole answer."""
    drip: Drip | None = None
    """Send slowly."""
    headers: dict[str, str] = field(default_factory=dict)
    """Headers besides the usual ones."""
    lost: bool = False
    """Nobody is left to answer: the connection ends."""
    silent: bool = False
    """Nothing is answered and the connection stays open."""
    afterwards: Callable[[], Coroutine[Any, Any, None]] | None = None
    """Work that the panel still does once the answer is out."""
    record: Record | None = field(default=None, repr=False)

    @property
    def is_sent(self) -> bool:
        """Whether anything is sent at all."""
        return not self.lost and not self.silent

    @property
    def is_whole(self) -> bool:
        """Whether all of it reaches a caller that waits."""
        if not self.is_sent or self.reset_after is not None:
            return False
        if self.drip is not None and self.drip.stall_after is not None:
            return False
        return self.truncate_after is None or self.truncate_after >= len(self.body)

    @property
    def text(self) -> str:
        """The body as text, for tests."""
        return self.body.decode("utf-8", "replace")


def web_page(status: int, *, location: str | None = None) -> PanelAnswer:
    """Return the web server's own page for *status*."""
    title = f"{status} {REASONS.get(status, 'Unknown')}"
    lines = (
        "<html>",
        f"<head><title>{title}</title></head>",
        "<body>",
        f"<center><h1>{title}</h1></center>",
        "<hr><center>nginx</center>",
        "</body>",
        "</html>",
        "",
    )
    return PanelAnswer(
        status, "\r\n".join(lines).encode(), WEB_TYPE, from_script=False, location=location
    )


def nothing_served() -> PanelAnswer:
    """Return the answer to a method other than GET and POST."""
    return PanelAnswer(200, b"", "application/octet-stream", from_script=False)
