"""The Accept header -> the form of the answer (RFC 9110 section 12.5.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.api.rest.headers import quality_of

Headers = Mapping[bytes, list[bytes]]


class Media(StrEnum):
    """What `/graphql` can answer with, the one preferred among equals first."""

    RESPONSE = "application/graphql-response+json"
    JSON = "application/json"
    EVENTS = "text/event-stream"


_HTML: Final = "text/html"
_PREFERENCE: Final = (Media.RESPONSE, Media.JSON, Media.EVENTS)
#: Whoever names no type of ours, but any, is an old client: it gets what it knows.
_WILDCARDS: Final = ("application/*", "*/*")


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a caller accepts. `media` None: nothing of ours. `events`: streams, if need be."""

    media: Media | None
    events: bool = False
    html_first: bool = False

    @property
    def of_errors(self) -> Media:
        """Return the form of what is said before there is a stream, or an agreement."""
        return Media.RESPONSE if self.media is Media.RESPONSE else Media.JSON


def accepted(headers: Headers) -> Accepted:
    """Return what the Accept header asks for; without one, `application/json`."""
    given = headers.get(b"accept", ())
    if not any(item.strip() for item in given):
        return Accepted(Media.JSON)
    weights = dict(_weights(b",".join(given).decode("latin-1").lower()))
    named = {media: weights[media] for media in _PREFERENCE if media in weights}
    rest = next((weights[name] for name in _WILDCARDS if name in weights), 0.0)
    named_best = max(named.values(), default=0.0)
    media: Media | None = None
    if named_best > 0 and named_best >= rest:
        media = next(media for media, weight in named.items() if weight == named_best)
    elif rest > 0 and named.get(Media.JSON) != 0:
        media = Media.JSON
    elif rest > 0 and named.get(Media.RESPONSE) != 0:
        media = Media.RESPONSE
    return Accepted(
        media=media,
        events=named.get(Media.EVENTS, 0.0) > 0,
        html_first=weights.get(_HTML, 0.0) > named_best and weights[_HTML] >= rest,
    )


def _weights(accept: str) -> Iterator[tuple[str, float]]:
    for item in accept.split(","):
        name, *parameters = (part.strip() for part in item.split(";"))
        yield name, quality_of(parameters)
