"""Sending one request to a server of a test, and what the transport says when none answers."""

from __future__ import annotations

import traceback

import pytest

from gateway.domain.panels import Tls
from gateway.panels.dialect import Answer, Reason, Request, TransportFault
from gateway.panels.transport import Transport
from tests.panels.makers import a_panel

REQUEST = Request(path="/api.php", query="action=user&sub=info", body=b"password=TOPSECRET")


async def send(
    transport: Transport, url: str, *, tls: Tls | None = None, seconds: float = 5
) -> Answer:
    panel = a_panel(base_url=url, tls=tls or Tls())
    return await transport.send(panel, REQUEST, timeout_seconds=seconds)


async def fault_of(
    transport: Transport, url: str, *, tls: Tls | None = None, seconds: float = 5
) -> tuple[Reason, bool]:
    with pytest.raises(TransportFault) as caught:
        await send(transport, url, tls=tls, seconds=seconds)
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert "TOPSECRET" not in told
    assert caught.value.__context__ is None
    return caught.value.reason, caught.value.sent
