"""The shape of a dialect: pure functions from a call to a form, and from an answer to a result.

No I/O here and in no dialect. A dialect says what to send and what an answer means; `client.py`
decides when, `transport.py` does it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Generic, TypeAlias, TypeVar
from urllib.parse import quote_plus

from gateway.domain.panels import Panel, ProbeWarning

#: Fields in the order in which they are sent; a name appears once.
Form: TypeAlias = tuple[tuple[str, str], ...]

#: Bytes of an answer that are read; what is larger is cut off and unusable.
ANSWER_BYTES_MAX: Final = 1_048_576
#: The same for a list of everything that a panel has: some have tens of thousands of streams.
LIST_BYTES_MAX: Final = 8 * ANSWER_BYTES_MAX

CallT = TypeVar("CallT")
ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back over HTTP, undecoded: `body` is as sent, whatever the headers claim.

    `whole` is False when the answer was larger than we read.
    """

    status: int
    body: bytes
    content_type: str = ""
    content_encoding: str = ""
    whole: bool = True

    def __repr__(self) -> str:
        """Leave the body out: it may hold a password."""
        return f"Answer(status={self.status}, bytes={len(self.body)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is sent: a POST of an urlencoded form. `query` holds no secret, `body` does."""

    path: str
    query: str
    body: bytes = field(repr=False)
    answer_bytes_max: int = ANSWER_BYTES_MAX


class Reason(StrEnum):
    """Why there is no answer; codes for logs and probes."""

    UNREACHABLE = "unreachable"
    CONNECT_TIMED_OUT = "connect_timed_out"
    TLS_FAILED = "tls_failed"
    TIMED_OUT = "timed_out"
    BROKEN_OFF = "broken_off"


class TransportFault(Exception):
    """There is no answer. `sent` False: provably no byte of the request left this machine."""

    def __init__(self, reason: Reason, *, sent: bool) -> None:
        super().__init__(f"{reason}, {'maybe sent' if sent else 'not sent'}")
        self.reason = reason
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Verb(Generic[CallT, ResultT]):
    """One call in a dialect.

    `encode` raises PanelRefusedValues for values that the panel would not keep as they are;
    `decode` raises only the errors of the Panels port.
    """

    action: str
    sub: str
    encode: Callable[[CallT, Panel], Form]
    decode: Callable[[Answer, CallT], ResultT]
    answer_bytes_max: int = ANSWER_BYTES_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What a probe found out. None: not known."""

    reachable: bool
    dialect: str | None = None
    firewall: bool | None = None
    credits: bool | None = None
    warnings: tuple[ProbeWarning, ...] = ()


#: Sends one read (action, sub, form) and returns the raw answer. Raises TransportFault or
#: PanelUnavailable, as `client.py` does.
Ask: TypeAlias = Callable[[str, str, Form], Awaitable[Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one kind of panel speaks.

    `verbs` maps each call type to its verb; `unsupported` lists those that this kind of panel
    cannot do. `reason` names an answer in a few words for the log, without any of the texts that
    were sent; `shut_out` names why an answer says that no call of ours can do anything, or None;
    `probe` finds out by reads only what a panel is.
    """

    name: str
    verbs: Mapping[type, Verb[Any, Any]]
    unsupported: frozenset[type]
    request: Callable[[Panel, str, str, Form], Request]
    reason: Callable[[Answer, tuple[str, ...]], str]
    shut_out: Callable[[Answer], str | None]
    probe: Callable[[Ask, Panel], Awaitable[Findings]]


def urlencode(form: Form) -> bytes:
    """Return *form* as `application/x-www-form-urlencoded`, the way PHP's `urlencode` writes it.

    A blank becomes `+`; every byte of the UTF-8 text but `A-Z a-z 0-9 - _ .` becomes `%XX`.
    """
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in form).encode("ascii")


def _quoted(text: str) -> str:
    return quote_plus(text, safe="").replace("~", "%7E")  # Python keeps the tilde, PHP does not.
