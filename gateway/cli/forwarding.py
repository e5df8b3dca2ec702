"""Events posted to a program on this machine as the gateway's own webhooks would be."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from gateway.cli.output import CommandError
from gateway.domain.clock import to_unix
from gateway.domain.standard_webhooks import signature_v1
from gateway.services.ports.sender import SendFault, Sent
from gateway.services.ports.system import Clock
from gateway.webhooks.sender import HttpSender
from gateway.webhooks.urls import HostPort, UrlRefused, place_of


class Forwarder:
    """Signs events (Standard Webhooks, `v1`) and posts them. Make it with `opened()`."""

    def __init__(self, sender: HttpSender, clock: Clock, url: str, key: bytes) -> None:
        self._sender = sender
        self._clock = clock
        self._url = url
        self._key = key

    @classmethod
    @asynccontextmanager
    async def opened(cls, clock: Clock, url: str, key: bytes) -> AsyncIterator[Forwarder]:
        """Yield one that posts to *url*, signed with *key*.

        Raises:
            CommandError: *url* is not on this machine.
        """
        try:
            place = place_of(url)
        except UrlRefused as refusal:
            raise CommandError(f"{url}: {refusal.fault.detail}") from None
        if not _is_this_machine(place):
            raise CommandError("--forward goes to this machine only, as in http://127.0.0.1:9000/.")
        async with HttpSender.opened(clock, dangerous=[place]) as sender:
            yield cls(sender, clock, url, key)

    async def forward(self, event: Mapping[str, Any]) -> Sent:
        """Post one event of /v1/events, once."""
        body = payload_bytes(event)
        timestamp = to_unix(self._clock.now())
        headers = {
            "content-type": "application/json",
            "webhook-id": str(event["id"]),
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature_v1(self._key, event["id"], timestamp, body),
        }
        return await self._sender.send(self._url, headers, body)


def payload_bytes(event: Mapping[str, Any]) -> bytes:
    """Return the body of a webhook for an event of /v1/events."""
    payload = {name: event[name] for name in ("type", "timestamp", "data")}
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()


def outcome_of(sent: Sent) -> str:
    """Return what came of it, in a few words."""
    if sent.fault is not None:
        words = {SendFault.CONNECT_FAILED: "nobody listens there"}
        return words.get(sent.fault, sent.fault.value)
    return f"{sent.status} in {sent.milliseconds} ms"


def _is_this_machine(place: HostPort) -> bool:
    try:
        return ipaddress.ip_address(place.host).is_loopback
    except ValueError:
        return place.host == "localhost"
