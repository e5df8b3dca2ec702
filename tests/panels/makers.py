"""Calls, panels and answers for tests: valid by default, one visible difference."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.domain.calls import (
    CreateDevice,
    CreateLine,
    Credentials,
    EditDevice,
    EditLine,
    GetDeviceInfo,
    GetLineInfo,
)
from gateway.domain.ids import OperationId, PanelId
from gateway.domain.panels import Budget, CreditMode, Panel, Tls
from gateway.domain.secrets import Secret
from gateway.panels.dialect import Answer
from gateway.services.ports.panels import SendingToken

NEW_YEAR_2030 = datetime(2030, 1, 1, tzinfo=UTC)
FREE = Budget(calls_per_second=1000, burst=1000, in_flight=100, flood_guard=None)
TOKEN = SendingToken(operation_id=OperationId("op_1"), attempt=1)
MAC = "00:1A:79:79:79:79"
HTML = "text/html; charset=UTF-8"


def a_panel(**changes: Any) -> Panel:
    panel = Panel(
        id=PanelId("pnl_1"),
        name="One",
        dialect="xtream_v2",
        base_url="http://127.0.0.1:1",
        api_pass=None,
        tls=Tls(),
        budget=FREE,
        settle_seconds=1,
        suspend_by=None,
        credit_mode=CreditMode.LEDGER,
        bouquets=(),
        extra_columns=(),
        creates_devices=True,
        probe=None,
        version=1,
        created_at=NEW_YEAR_2030,
        updated_at=NEW_YEAR_2030,
    )
    return replace(panel, **changes)


def a_pair(username: str = "bob", password: str = "pw1") -> Credentials:
    return Credentials(username=username, password=Secret(password))


def a_create(**changes: Any) -> CreateLine:
    call = CreateLine(
        credentials=a_pair(), expires_at=NEW_YEAR_2030, max_connections=1, bouquet_ids=(1, 2)
    )
    return replace(call, **changes)


def an_edit(**changes: Any) -> EditLine:
    return replace(EditLine(credentials=a_pair()), **changes)


def an_info(username: str = "bob", password: str = "pw1") -> GetLineInfo:
    return GetLineInfo(credentials=a_pair(username, password))


def a_device_create(**changes: Any) -> CreateDevice:
    call = CreateDevice(mac=MAC, expires_at=NEW_YEAR_2030, max_connections=1, bouquet_ids=(1, 2))
    return replace(call, **changes)


def a_device_edit(**changes: Any) -> EditDevice:
    return replace(EditDevice(mac=MAC), **changes)


def a_device_info(mac: str = MAC) -> GetDeviceInfo:
    return GetDeviceInfo(mac=mac)


def an_answer(body: bytes | str = b"", **changes: Any) -> Answer:
    raw = body.encode() if isinstance(body, str) else body
    return replace(Answer(status=200, body=raw, content_type=HTML), **changes)


class VirtualClock:
    """Time that passes only in `running()`, and then at once."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.outside = 0  # How many wait for something that takes real time.
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return NEW_YEAR_2030 + timedelta(seconds=self.seconds - 1000)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        until: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.seconds + seconds, next(self._order), until))
        await until

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """While inside, jump to the next sleeper whenever everybody waits."""
        task = asyncio.ensure_future(self._run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(0)
            if loop._ready:  # type: ignore[attr-defined]  # Somebody is not waiting.
                continue
            if self.outside:
                await asyncio.sleep(0.0005)
            elif self._sleepers:
                moment, _number, until = heapq.heappop(self._sleepers)
                if not until.done():
                    self.seconds = max(self.seconds, moment)
                    until.set_result(None)


class NoChance:
    """Randomness without surprise."""

    def bytes(self, count: int) -> bytes:
        return bytes(count)

    def text(self, length: int) -> str:
        return "a" * length

    def uniform(self) -> float:
        return 0.0
