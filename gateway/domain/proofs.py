"""Proofs of a key (DPoP, RFC 9449), as they come with a request."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The proof that a request brings, and what it must be made for. Nothing of it is checked yet.

    `path` is the request's, decoded and without the query. `seen`: the proof was taken with this
    very request or connection before, so its age and its repetition do not count again.
    """

    text: str = field(repr=False)
    method: str
    path: str
    seen: bool = False
