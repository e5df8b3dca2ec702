"""Events of a running gateway, read through its REST API as anybody would."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx2

from gateway.cli.output import CommandError
from gateway.domain.paging import LIMIT_MAX
from gateway.services.ports.system import Clock
from gateway.webhooks.urls import UrlRefused, place_of

Event = dict[str, Any]

#: Seconds for one answer.
ANSWER_SECONDS_MAX: Final = 30.0
_PATH: Final = "/v1/events"


class GatewayAway(Exception):
    """The gateway gives no answer now, and may later; `why` is for people."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class EventReader:
    """Reads the events that a key can see. Make it with `opened()`."""

    def __init__(self, client: httpx2.AsyncClient, key: str, *, narrowed: dict[str, str]) -> None:
        """Read through *client*, whose base is the gateway's address.

        Args:
            narrowed: query parameters of /v1/events, such as `type`.
        """
        self._client = client
        self._headers = {"Authorization": f"Bearer {key}"}
        self._narrowed = narrowed

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, base_url: str, key: str, *, narrowed: dict[str, str]
    ) -> AsyncIterator[EventReader]:
        """Yield a reader of the gateway at *base_url*.

        Raises:
            CommandError: that is no address.
        """
        try:
            place_of(base_url)
        except UrlRefused:
            raise CommandError(f"{base_url} is not an address such as https://host.") from None
        async with httpx2.AsyncClient(base_url=base_url, timeout=ANSWER_SECONDS_MAX) as client:
            yield cls(client, key, narrowed=narrowed)

    async def newest(self, count: int) -> list[Event]:
        """Return the newest *count* events, 1 to 200, oldest first. Raises as `after`."""
        return (await self._read({"limit": count, "order": "newest"}))[::-1]

    async def after(self, event_id: str | None) -> list[Event]:
        """Return at most 200 events that came after this one, oldest first; None: from the oldest.

        Raises:
            GatewayAway: no answer now.
            CommandError: it refuses, and will again.
        """
        position = {} if event_id is None else {"after_id": event_id}
        return await self._read({"limit": LIMIT_MAX, "order": "oldest", **position})

    async def _read(self, query: dict[str, Any]) -> list[Event]:
        try:
            answer = await self._client.get(
                _PATH, params=query | self._narrowed, headers=self._headers
            )
        except httpx2.HTTPError as error:
            raise GatewayAway(type(error).__name__) from None
        if answer.status_code == 429 or answer.status_code >= 500:
            raise GatewayAway(f"status {answer.status_code}")
        try:
            body = answer.json()
            if answer.status_code == 200:
                return list(body["data"])
            why = str(body["detail"])
        except (ValueError, KeyError, TypeError):
            why = "no gateway's answer"
        raise CommandError(f"The gateway refuses (status {answer.status_code}): {why}")


async def followed(
    reader: EventReader,
    clock: Clock,
    *,
    last: int,
    every_seconds: float,
    tell: Callable[[str], None],
) -> AsyncGenerator[Event, None]:
    """Yield the *last* events and then each new one, for ever.

    Args:
        last: 0 to 200.
        tell: called with a sentence when the gateway goes away, and when it is back.

    Raises:
        CommandError: the gateway refuses, or is not there to begin with.
    """
    try:
        found = await reader.newest(max(last, 1))
    except GatewayAway as away:
        raise CommandError(f"The gateway does not answer ({away.why}).") from None
    position = found[-1]["id"] if found else None
    for event in found if last else ():
        yield event
    is_away = False
    while True:
        try:
            found = await reader.after(position)
        except GatewayAway as away:
            if not is_away:
                tell(f"The gateway does not answer ({away.why}); trying again.")
            is_away, found = True, []
        else:
            if is_away:
                tell("The gateway answers again.")
            is_away = False
        for event in found:
            position = event["id"]
            yield event
        if len(found) < LIMIT_MAX:
            await clock.sleep(every_seconds)
