"""How PHP reads an urlencoded form, written from its manual for these tests alone.

Not the simulator's parser on purpose: two readers that agree prove more than one.
"""

from __future__ import annotations

import re

Value = str | dict[str, "Value"]

_BRACKET = re.compile(r"\[([^\]]*)\]")


def parse(body: bytes) -> dict[str, Value]:
    """Return the map of parameters: brackets nest, a repeated key's last value wins."""
    fields: dict[str, Value] = {}
    for part in body.split(b"&"):
        raw_name, _, raw_value = part.partition(b"=")
        name = _decoded(raw_name)
        if name:
            _put(fields, name, _decoded(raw_value))
    return fields


def _put(fields: dict[str, Value], name: str, value: str) -> None:
    first, bracket, rest = name.lstrip(" ").partition("[")
    keys = [re.sub(r"[. ]", "_", first)]
    if bracket and "]" in rest:
        keys += _BRACKET.findall("[" + rest)
    place = fields
    for key in keys[:-1]:
        inner = place.get(key)
        if not isinstance(inner, dict):
            inner = place[key] = {}
        place = inner
    last = keys[-1]
    if last == "" and len(keys) > 1:
        last = str(len(place))
    place[last] = value


def _decoded(raw: bytes) -> str:
    plain = re.sub(
        rb"%([0-9A-Fa-f]{2})", lambda found: bytes([int(found[1], 16)]), raw.replace(b"+", b" ")
    )
    return plain.decode("utf-8", "surrogateescape")
