"""A curl command as our pages write it -> one HTTP request; anything else is an error."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from string import Template


@dataclass(slots=True)
class Request:
    """One request of a page."""

    url: str = ""
    method: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None


def parse_curl(text: str, variables: Mapping[str, str]) -> Request:
    """Return the request that *text* sends.

    Variables are filled in as a shell does: not inside single quotes.

    Raises:
        KeyError: a variable that nothing set.
        ValueError: an option that we do not write, or no curl at all.
    """
    words = iter(_words(text, variables))
    if next(words, None) != "curl":
        raise ValueError(f"not a curl command: {text}")
    request = Request()
    for word in words:
        match word:
            case "-sS" | "-i":
                pass
            case "-X":
                request.method = next(words)
            case "-H":
                name, _, value = next(words).partition(":")
                request.headers[name] = value.strip()
            case "-d":
                request.body = next(words)
                request.headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
            case "--json":
                request.body = next(words)
                request.headers |= {
                    "Content-Type": "application/json",
                    "Accept": "application/json",
                }
            case _ if word.startswith("-") or request.url:
                raise ValueError(f"curl {word}: teach tests/docs/curl.py")
            case _:
                request.url = word
    if request.method is None:
        request.method = "GET" if request.body is None else "POST"
    return request


def _words(text: str, variables: Mapping[str, str]) -> list[str]:
    """Split as a shell does; what single quotes hold stays as it is."""
    parts = text.replace("\\\n", " ").split("'")
    if len(parts) % 2 == 0:
        raise ValueError(f"a quote is not closed: {text}")
    filled = [
        part if place % 2 else Template(part).substitute(variables)
        for place, part in enumerate(parts)
    ]
    return shlex.split("'".join(filled))
