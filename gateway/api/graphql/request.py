"""One GraphQL request and what comes of it, whichever transport carried it.

Transports (`http.py`, `sse.py`, `websocket.py`) know nothing of schemas, and the executor knows
nothing of HTTP: they meet in these words.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Protocol

from gateway.api.rest.preferences import NO_PREFERENCES, Preferences
from gateway.domain.caller import Caller
from gateway.services.context import Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphqlRequest:
    """What was asked: a `query` or a `document_id`, one of the two."""

    query: str | None = None
    document_id: str | None = None
    operation_name: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who asks, from where, and how.

    `identify` looks the caller up again, for what lasts longer than a moment; it raises
    Unauthenticated once the key has ended. `charge` counts so many requests more than the one that
    brought this; it raises RateLimited. `no_cache`: answers of panels must be fresh.
    """

    ports: Ports
    caller: Caller
    request_id: str
    ip: str | None
    identify: Callable[[], Awaitable[Caller]]
    charge: Callable[[int], Awaitable[None]]
    no_cache: bool = False
    preferences: Preferences = NO_PREFERENCES


class Allowed(Enum):
    """Which operations a transport carries."""

    QUERIES = auto()
    QUERIES_AND_MUTATIONS = auto()
    QUERIES_AND_SUBSCRIPTIONS = auto()
    EVERYTHING = auto()


class Stage(Enum):
    """How far a request came; decides the status of `application/graphql-response+json`."""

    #: Parse, validation, variables, limits or documents: nothing was executed.
    REFUSED = auto()
    #: The operation is well-formed, but this transport does not carry its kind (405 by GET).
    NOT_ALLOWED = auto()
    #: Executed; fields may have failed.
    EXECUTED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One response. `errors` are formatted, with `extensions.code`; `data` counts if executed.

    `status`: the HTTP status that the first refusal stands for; 200 where it was executed.
    """

    stage: Stage
    data: Any = None
    errors: tuple[dict[str, Any], ...] = ()
    extensions: dict[str, Any] = field(default_factory=dict)
    status: int = 200

    def to_payload(self) -> dict[str, Any]:
        """Return the response map; `errors` first, as the specification advises."""
        payload: dict[str, Any] = {}
        if self.errors:
            payload["errors"] = list(self.errors)
        if self.stage is Stage.EXECUTED:
            payload["data"] = self.data
        if self.extensions:
            payload["extensions"] = self.extensions
        return payload


class Executor(Protocol):
    """Runs requests against the schema. Never raises for what a caller did."""

    def sdl(self) -> str:
        """Return the schema as a document of types."""

    async def execute(self, request: GraphqlRequest, asked: Asked, allowed: Allowed) -> Result:
        """Run a query or a mutation to its one result; a subscription is NOT_ALLOWED."""

    def stream(
        self, request: GraphqlRequest, asked: Asked, allowed: Allowed = Allowed.EVERYTHING
    ) -> AsyncGenerator[Result, None]:
        """Run anything: one result for queries and mutations, any number for subscriptions.

        Transports close it as soon as their caller has gone. Ends by raising Unauthenticated when
        the caller's key has ended meanwhile.
        """
