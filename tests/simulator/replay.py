"""Replays recorded exchanges over a real socket and compares answers byte for byte.

Placeholders in what was recorded (row ids, generated credentials, times) stand for values that
are learned at first sight; row ids must map one to one.
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.simulator.httpwire import BODY_LIMIT
from gateway.simulator.messages import PanelRequest
from gateway.simulator.panel import SimulatedPanel

VECTORS = Path(__file__).resolve().parents[1] / "golden" / "panel"
PLACEHOLDER = re.compile(r"\{\{(\w+)(?::(\w+))?\}\}")
PATTERNS = {"line": "[0-9]+", "mag": "[0-9]+", "out": "[0-9]+", "now": "[0-9]{10}", "any": ".*"}


@dataclass(frozen=True)
class Reply:
    status: int
    content_type: str
    body: str
    headers: dict[str, str]


def exchanges(name: str) -> list[dict[str, Any]]:
    lines = (VECTORS / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@dataclass
class Learned:
    """What the placeholders stand for in this run."""

    forth: dict[tuple[str, str], str] = field(default_factory=dict)
    back: dict[tuple[str, str], str] = field(default_factory=dict)

    def fill(self, text: str) -> str:
        return PLACEHOLDER.sub(lambda m: self.forth.get((m[1], m[2]), m[0]), text)

    def match(self, expected: str, found: str) -> str | None:
        """Return what is wrong, or None."""
        pattern, names, place = "", [], 0
        for spot in PLACEHOLDER.finditer(expected):
            pattern += re.escape(expected[place : spot.start()])
            kind = spot[1]
            pattern += f"({PATTERNS.get(kind, '[A-Za-z0-9]{10}')})"
            names.append((kind, spot[2]))
            place = spot.end()
        hit = re.fullmatch(pattern + re.escape(expected[place:]), found)
        if hit is None:
            return f"expected {expected!r}\n   found {found!r}"
        for (kind, name), value in zip(names, hit.groups(), strict=True):
            wrong = self._learn(kind, name, value)
            if wrong is not None:
                return wrong
        return None

    def _learn(self, kind: str, name: str | None, value: str) -> str | None:
        if name is None:
            return None
        if self.forth.setdefault((kind, name), value) != value:
            return f"{kind}:{name} was {self.forth[kind, name]} and is now {value}"
        if kind != "rand" and self.back.setdefault((kind, value), name) != name:
            return f"{kind} {value} stands for {self.back[kind, value]} and {name}"
        return None


async def raw_request(
    base_url: str, raw: bytes, *, source: str | None = None, seconds: float = 10
) -> bytes:
    """Send *raw* and return everything that comes back until the end."""
    host, _, port = base_url.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(
        host, int(port), local_addr=None if source is None else (source, 0)
    )
    try:
        async with asyncio.timeout(seconds):
            writer.write(raw)
            return await reader.read()
    finally:
        writer.close()


def parse_reply(raw: bytes) -> Reply:
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:])}
    if "content-length" in headers:
        body = body[: int(headers["content-length"])]
    return Reply(int(lines[0].split()[1]), headers["content-type"], body.decode("utf-8"), headers)


def build_request(exchange: dict[str, Any], learned: Learned) -> bytes:
    body = learned.fill(exchange["body"] or "").encode()
    made = exchange.get("body_gen")
    if made:
        body = (made["prefix"] + made["repeat"] * made["count"]).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"} | (exchange["headers"] or {})
    target = exchange.get("path") or "/api.php"
    if exchange["query"]:
        target += "?" + learned.fill(exchange["query"])
    lines = [
        f"{exchange['method']} {target} HTTP/1.1",
        "Host: panel",
        "Connection: close",
        *(f"{name}: {value}" for name, value in headers.items()),
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def send(
    base_url: str, exchange: dict[str, Any], learned: Learned, *, source: str | None = None
) -> Reply:
    raw = build_request(exchange, learned)
    return parse_reply(await raw_request(base_url, raw, source=source))


async def control(url: str, method: str, path: str, value: Any = None) -> tuple[int, Any]:
    body = b"" if value is None else json.dumps(value).encode()
    raw = f"{method} {path} HTTP/1.1\r\nHost: c\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    answer = await raw_request(url, raw + body)
    head, _, text = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(text)


async def hand_over(
    panel: SimulatedPanel, exchange: dict[str, Any], learned: Learned, *, source: str | None = None
) -> Reply:
    """Ask the panel in the same process, without a socket."""
    head, _, body = build_request(exchange, learned).partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    target = lines[0].split(" ")[1]
    headers = dict(line.split(": ", 1) for line in lines[1:])
    too_large = len(body) > BODY_LIMIT
    answer = await panel.handle(
        PanelRequest(
            method=exchange["method"],
            path=target.partition("?")[0],
            query=target.partition("?")[2],
            body=b"" if too_large else body,
            content_type=headers["Content-Type"],
            caller=source or "127.0.0.1",
            too_large=too_large,
        )
    )
    return Reply(answer.status, answer.content_type, answer.body.decode(), {})
