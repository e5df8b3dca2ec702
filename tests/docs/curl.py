"""A curl command as our pages write it -> one HTTP request; anything else is an error."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from string import Template
from urllib.parse import quote


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
        if word in {"-sS", "-i"}:
            continue
        match word:
            case "-X":
                request.method = next(words)
            case "-H":
                name, _, value = next(words).partition(":")
                request.headers[name] = value.strip()
            case "-u":
                proof = base64.b64encode(next(words).encode()).decode()
                request.headers["Authorization"] = f"Basic {proof}"
            case "-d" | "--data-urlencode":
                _add(request, next(words), is_plain=word != "-d")
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
    request.method = request.method or ("GET" if request.body is None else "POST")
    return request


def _add(request: Request, data: str, *, is_plain: bool) -> None:
    """Add to the form, as curl joins what is given in parts; a plain value is encoded first."""
    if is_plain:
        name, _, value = data.partition("=")
        data = f"{name}={quote(value, safe='')}"
    request.body = data if request.body is None else f"{request.body}&{data}"
    request.headers.setdefault("Content-Type", "application/x-www-form-urlencoded")


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
