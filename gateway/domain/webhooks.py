"""Webhook endpoints: where events are sent, what signs them, and how long it is tried.

Secrets are those of Standard Webhooks. An endpoint with `v1` shares a secret with its receiver; one
with `v1a` has a key of its own, whose public half the receiver holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from gateway.domain.calls import UNCHANGED, Unchanged
from gateway.domain.events import Event, EventType
from gateway.domain.ids import EndpointId, ResellerId
from gateway.domain.secrets import Secret

URL_LENGTH_MAX: Final = 2_048
#: How long the former secret may sign beside the present one after a rotation.
OVERLAP_SECONDS_MAX: Final = 86_400
SECRETS_MAX: Final = 5
#: The beginning of a path that is a word for people, such as `/services/`. Whatever has digits or
#: capitals, is long or stands last may be a token: many receivers have theirs in the path.
_PLAIN_START: Final = re.compile(r"/[a-z]{1,12}(?:-[a-z]{1,12})?/")


class SignatureKind(StrEnum):
    """How an endpoint's deliveries are signed: by HMAC-SHA256, or by Ed25519."""

    V1 = "v1"
    V1A = "v1a"


class EndpointState(StrEnum):
    """Whether an endpoint gets events."""

    ACTIVE = "active"
    DISABLED = "disabled"


class DisabledReason(StrEnum):
    """Why an endpoint gets none: its owner said so, it answered 410, or nothing got through."""

    ASKED = "asked"
    GONE = "gone"
    FAILING = "failing"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSecret:
    """What signs: `whsec_…`, or `whsk_…`, which nobody is shown. `ends_at` None: the present."""

    value: Secret
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A webhook endpoint. `reseller_id` None: the operator's, which gets the events of all.

    `event_types` empty: all. `public_key` is that of `v1a`. `failing_since`: when the first of the
    failures was since anything got through. `mail_at`: when the operators are to be written to that
    it was disabled; None: they need not be, or were.
    """

    id: EndpointId
    url: str
    event_types: tuple[EventType, ...]
    signature: SignatureKind
    description: str
    reseller_id: ResellerId | None
    owner_path: str
    state: EndpointState
    disabled_reason: DisabledReason | None
    secrets: tuple[EndpointSecret, ...]
    public_key: str | None
    failing_since: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime
    mail_at: datetime | None = None

    def good_secrets(self, now: datetime) -> tuple[Secret, ...]:
        """Return the secrets whose time is not over, the present one first."""
        return tuple(
            each.value for each in self.secrets if each.ends_at is None or each.ends_at > now
        )

    def wants(self, event: Event) -> bool:
        """Tell whether it is to get *event*: of its own subtree, of its types, and not before it.

        Says nothing about its state.
        """
        return (
            event.owner_path.startswith(self.owner_path)
            and (not self.event_types or event.type in self.event_types)
            and event.at >= self.created_at
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedEndpoint:
    """An endpoint and its secret, which is shown this once; None where it has a public key."""

    endpoint: Endpoint
    secret: Secret | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEndpoint:
    """An endpoint to make."""

    url: str
    event_types: tuple[EventType, ...] = ()
    signature: SignatureKind = SignatureKind.V1
    description: str = ""
    reseller_id: ResellerId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointChanges:
    """A merge patch of an endpoint; `event_types` is replaced as a whole."""

    url: str | Unchanged = UNCHANGED
    event_types: tuple[EventType, ...] | Unchanged = UNCHANGED
    description: str | Unchanged = UNCHANGED
    state: EndpointState | Unchanged = UNCHANGED


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedEndpoint:
    """An endpoint that is gone."""

    id: EndpointId
    reseller_id: ResellerId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of sending once.

    `status` None: none came. `fault`: why there is no usable answer, in our own words.
    `answer`: its first bytes, at most 2 KiB, as text; what is no UTF-8 is replaced.
    """

    status: int | None
    fault: str | None
    milliseconds: int
    answer: str
    is_success: bool


def shown_url(url: str) -> str:
    """Return what may stand in logs of *url*: its origin, and its first segment if a word.

    What is left out is an ellipsis. Only the owner is shown the whole of it.
    """
    scheme, _, rest = url.partition("://")
    authority, path = re.fullmatch(r"([^/?#]*)(.*)", rest, re.DOTALL).groups()  # type: ignore[union-attr]  # It fits every text.
    authority = authority.rpartition("@")[2]
    if path in {"", "/"}:
        return f"{scheme}://{authority}{path}"
    start = _PLAIN_START.match(path)
    return f"{scheme}://{authority}{start[0] if start else '/'}…"


def overlapping(
    secrets: tuple[EndpointSecret, ...], value: Secret, now: datetime, overlap: timedelta
) -> tuple[EndpointSecret, ...]:
    """Return *secrets* after a rotation to *value*: none of the former lasts beyond *overlap*."""
    end = now + overlap
    former = [
        each
        if each.ends_at is not None and each.ends_at < end
        else EndpointSecret(value=each.value, ends_at=end)
        for each in secrets
        if overlap and (each.ends_at is None or each.ends_at > now)
    ]
    return (EndpointSecret(value=value), *former)[:SECRETS_MAX]
