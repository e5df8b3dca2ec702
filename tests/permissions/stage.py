"""The real application in front of ports behind which there is nothing: it shows who gets there.

Whoever gets past the door meets `Beyond`. So a cell of the grid costs no database and no panel, and
whatever the request would do otherwise, it cannot fail for another reason than the door's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, cast

import httpx2

from gateway.api.app import create_app
from gateway.api.graphql.executor import SchemaExecutor
from gateway.domain.caller import Caller
from gateway.domain.clock import SystemClock
from gateway.domain.documents import TrustedDocument, document_id_of
from gateway.domain.errors import ServiceUnavailable, Unauthenticated
from gateway.domain.proofs import Proof
from gateway.domain.secrets import SystemRandom
from gateway.notices.memory import MemoryNotices
from gateway.services.context import Limits, Ports
from gateway.services.scope import Scope
from gateway.services.tasks import SingleFlight, TaskKeeper
from tests.factories import a_document

BEYOND: Final = "Somebody got past the door."


class Beyond:
    """What lies behind the door: nothing, which every use of it says."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise ServiceUnavailable(BEYOND)


class NoEntries(Beyond):
    """An audit log that forgets."""

    async def append(self, _entry: object) -> None:
        """Keep nothing."""


class Trusted(Beyond):
    """Trusted documents, the same for everybody."""

    def __init__(self, known: Mapping[str, TrustedDocument]) -> None:
        self._known = known

    async def find_for_caller_at(self, _path: str, document_id: str) -> TrustedDocument | None:
        """Return the document."""
        return self._known.get(document_id)


class NoRows:
    """A store that keeps nothing, but takes audit entries and has trusted documents."""

    def __init__(self, trusted: Mapping[str, TrustedDocument]) -> None:
        self.audit = NoEntries()
        self.documents = Trusted(trusted)

    def __getattr__(self, name: str) -> Beyond:
        return Beyond()


class NoDatabase:
    """A database of such stores."""

    def __init__(self, trusted: Mapping[str, TrustedDocument]) -> None:
        self._trusted = trusted

    @asynccontextmanager
    async def read(self, _scope: Scope) -> AsyncIterator[Any]:
        yield NoRows(self._trusted)

    write = read


class Doormen:
    """An identity that knows the visitors by their bearers."""

    def __init__(self, known: Mapping[str, Caller]) -> None:
        self._known = known

    async def identify(self, bearer: str, _ip: str | None, _proof: Proof | None = None) -> Caller:
        """Return the visitor."""
        if bearer not in self._known:
            raise Unauthenticated("This key is not known.")
        return self._known[bearer]


@asynccontextmanager
async def a_stage(
    known: Mapping[str, Caller],
    documents: tuple[str, ...] = (),
    executor: SchemaExecutor | None = None,
) -> AsyncIterator[httpx2.AsyncClient]:
    """Yield a client of the application. *documents*: those that everybody may send.

    Without an *executor* there is no GraphQL.
    """
    trusted: dict[str, TrustedDocument] = {
        document_id_of(text): a_document(id=document_id_of(text), text=text) for text in documents
    }
    tasks, beyond = TaskKeeper(), cast("Any", Beyond())
    ports = Ports(
        database=cast("Any", NoDatabase(trusted)),
        panels=beyond,
        cache=beyond,
        notices=MemoryNotices(),
        sealer=beyond,
        clock=SystemClock(),
        random=SystemRandom(),
        identity=Doormen(known),
        tasks=tasks,
        flights=SingleFlight(tasks),
        limits=Limits(),
    )
    app = create_app(ports, executor=executor)
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://gateway.test") as client:
        yield client
