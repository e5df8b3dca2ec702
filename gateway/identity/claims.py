"""Claims: what a token says, read without believing any shape of it.

All readers raise TokenFault where a claim is missing, of another type, or out of its limits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from gateway.identity.faults import TokenFault

Claims = Mapping[str, Any]

TEXT_LENGTH_MAX: Final = 255
#: How many actors may stand in a chain.
CHAIN_MAX: Final = 5
#: How far our clock and an issuer's may differ where a token says when it begins; seconds.
LEEWAY_SECONDS: Final = 30

_WORD: Final = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,255}", re.ASCII)  # RFC 6749 section 3.3.
_THUMBPRINT: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_LATEST: Final = 2**33  # The year 2242.


def text_in(claims: Claims, name: str) -> str:
    """Return a claim that must be a text of 1 to 255 printable characters."""
    found = optional_text_in(claims, name)
    if found is None:
        raise TokenFault(name)
    return found


def optional_text_in(claims: Claims, name: str) -> str | None:
    """Return the same of a claim that may be missing or null."""
    found = claims.get(name)
    if found is None:
        return None
    if not isinstance(found, str) or not found.isprintable():
        raise TokenFault(name)
    if not 0 < len(found) <= TEXT_LENGTH_MAX:
        raise TokenFault(name)
    return found


def second_in(claims: Claims, name: str) -> int:
    """Return a claim that must be whole seconds since 1970."""
    found = claims.get(name)
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found <= _LATEST:
        raise TokenFault(name)
    return found


def words_of(scope: object) -> frozenset[str]:
    """Return the words of a `scope` as RFC 6749 spells it; None: there are none."""
    if scope is None or scope == "":
        return frozenset()
    words = scope.split(" ") if isinstance(scope, str) else [""]
    if not all(_WORD.fullmatch(word) for word in words):
        raise TokenFault("scope")
    return frozenset(words)


def check_audience(claims: Claims, audience: str) -> None:
    """Check that *audience* is meant: `aud` is it, or a list of texts that has it."""
    found = claims.get("aud")
    named = found if isinstance(found, list) else [found]
    if not all(isinstance(one, str) for one in named) or audience not in named:
        raise TokenFault("aud")


def check_times(claims: Claims, now: float, *, lifetime_seconds_max: int) -> tuple[int, int]:
    """Return from when until when a token is good, and check that *now* is in between.

    The end has no leeway: a token is over when it says so. *now* is in seconds since 1970.
    """
    issued, ends = second_in(claims, "iat"), second_in(claims, "exp")
    if ends <= now:
        raise TokenFault("expired")
    if issued > now + LEEWAY_SECONDS:
        raise TokenFault("iat_in_the_future")
    if ends <= issued or ends - issued > lifetime_seconds_max:
        raise TokenFault("lifetime")
    if claims.get("nbf") is not None and second_in(claims, "nbf") > now + LEEWAY_SECONDS:
        raise TokenFault("not_yet")
    return issued, ends


def chain_in(claims: Claims) -> tuple[str, ...]:
    """Return the subjects of the `act` claim (RFC 8693 section 4.1), the nearest first."""
    chain: list[str] = []
    actor = claims.get("act")
    while actor is not None:
        if not isinstance(actor, dict) or len(chain) >= CHAIN_MAX:
            raise TokenFault("act")
        chain.append(text_in(actor, "sub"))
        actor = actor.get("act")
    return tuple(chain)


def proof_key_in(claims: Claims) -> str | None:
    """Return the thumbprint of the key that the token is bound to; None: it is not bound.

    A binding of another sort is refused: we could not check it, and it must not be passed over.
    """
    binding = claims.get("cnf")
    if binding is None:
        return None
    found = binding.get("jkt") if isinstance(binding, dict) and set(binding) == {"jkt"} else None
    if not isinstance(found, str) or _THUMBPRINT.fullmatch(found) is None:
        raise TokenFault("cnf")
    return found
