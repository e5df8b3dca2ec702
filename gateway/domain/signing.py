"""Keys that sign access tokens, and when each one comes and goes.

A key is shown to all before it signs, so that whoever keeps our public keys for an hour knows it by
then; and it stays shown after it has signed, until the last token that it signed is over.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gateway.domain.secrets import Secret

#: How long one key signs.
SIGNS_FOR: Final = timedelta(days=30)
#: How long before that it is made and shown; and the least that it is, where rotation was late.
SHOWN_BEFORE: Final = timedelta(hours=24)
SHOWN_BEFORE_MIN: Final = timedelta(hours=1)
#: No access token of ours lives longer.
TOKEN_LIFE_MAX: Final = timedelta(minutes=15)
#: For clocks that differ, and for processes that learn late of the next key.
MARGIN: Final = timedelta(hours=1)
ALGORITHM: Final = "ES256"


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A key pair. `id` is its `kid`, the thumbprint of RFC 7638; `number` counts up from 1.

    `private_jwk` is the JSON of the private key. It signs from `used_from` until `retired_at`, and
    is shown from its making until `gone_at`; both are None until the next key is made.
    """

    id: str
    number: int
    alg: str
    private_jwk: Secret
    created_at: datetime
    used_from: datetime
    retired_at: datetime | None = None
    gone_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DueKey:
    """A key that is to be made now. `after` is the one before it, None for the first of all."""

    number: int
    used_from: datetime
    after: SigningKey | None


def signing_at(keys: Iterable[SigningKey], now: datetime) -> SigningKey | None:
    """Return the key that signs at *now*: the last one whose time has come.

    The first of all signs at once, whatever a clock that is behind says.
    """
    ready = [key for key in keys if key.used_from <= now or key.number == 1]
    return max(ready, key=lambda key: key.number, default=None)


def shown_at(keys: Iterable[SigningKey], now: datetime) -> tuple[SigningKey, ...]:
    """Return the keys whose signatures count at *now*, or will count; the newest first."""
    shown = [key for key in keys if key.gone_at is None or key.gone_at > now]
    return tuple(sorted(shown, key=lambda key: key.number, reverse=True))


def due_at(keys: Iterable[SigningKey], now: datetime) -> DueKey | None:
    """Return the key that is to be made by *now*; None: not yet."""
    last = max(keys, key=lambda key: key.number, default=None)
    if last is None:
        return DueKey(number=1, used_from=now, after=None)
    planned = last.used_from + SIGNS_FOR
    if now < planned - SHOWN_BEFORE:
        return None
    return DueKey(
        number=last.number + 1, used_from=max(planned, now + SHOWN_BEFORE_MIN), after=last
    )


def gone_after(retired_at: datetime) -> datetime:
    """Return until when a key is shown that stops signing at *retired_at*."""
    return retired_at + TOKEN_LIFE_MAX + MARGIN
