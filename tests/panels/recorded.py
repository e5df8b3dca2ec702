"""The recorded exchanges of a real panel, with every placeholder filled in the same way."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from gateway.panels.dialect import Answer

FOLDER = Path(__file__).resolve().parents[1] / "golden" / "panel"
FILES = ("v2.jsonl", "v2-extra.jsonl")


@dataclass(frozen=True)
class Exchange:
    """One recorded request, and what the panel answered."""

    name: str
    query: str
    body: bytes
    answer: Answer


def exchanges(query: str = "") -> list[Exchange]:
    """Return those with a known answer whose query holds *query*."""
    found = []
    texts = [(FOLDER / name).read_text(encoding="utf-8") for name in FILES]
    for line in "".join(texts).splitlines():
        record = json.loads(line)
        expect = record["expect"] or {}
        if query in (record["query"] or "") and expect.get("body") is not None:
            answer = Answer(
                status=expect["status"],
                content_type=expect["content_type"],
                body=filled(expect["body"]).encode(),
            )
            body = filled(record["body"] or "").encode()
            found.append(Exchange(record["name"], record["query"], body, answer))
    return found


def filled(text: str) -> str:
    """Return *text* with row ids as recorded, one moment, and generated texts from their names."""
    text = re.sub(r"\{\{(?:line|mag|out):(\d+)\}\}", r"\1", text)
    text = re.sub(r"\{\{rand:(\w+)\}\}", lambda found: found[1].rjust(10, "R")[-10:], text)
    return text.replace("{{now}}", "1795000000").replace("{{any}}", "x")
