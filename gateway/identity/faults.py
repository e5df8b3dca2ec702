"""Why a token or a proof is refused. Only the log is told."""

from __future__ import annotations


class TokenFault(Exception):
    """A token, proof or key is not good. `why` is one of our own words, never a caller's text."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why
