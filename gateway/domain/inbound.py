"""Inbound sources: billing systems whose events change lines and devices, and what came of them.

An event is kept with its payload until it is read, and then without: payloads hold personal data.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from gateway.domain.calls import UNCHANGED, Unchanged
from gateway.domain.ids import InboundEventId, ResellerId, SourceId
from gateway.domain.inbound_ready import READY
from gateway.domain.inbound_rules import Decision, Rule, rules_in
from gateway.domain.operations import Problem
from gateway.domain.secrets import Secret

SECRETS_MAX: Final = 5
SECRET_LENGTH_MIN: Final = 6
SECRET_LENGTH_MAX: Final = 256
#: How long a former secret may stay good after a rotation.
OVERLAP_SECONDS_MAX: Final = 7 * 86_400
OVERLAP_SECONDS: Final = 86_400
#: How long what became of an event is kept.
EVENTS_KEPT: Final = timedelta(days=30)
BODY_BYTES_MAX: Final = 256 * 1024
WHSEC: Final = "whsec_"

#: The name of a ready set, or a list of rules as REST has them.
Rules = str | list[dict[str, Any]]


class SourceKind(StrEnum):
    """How a source signs, and where its events have their names and times."""

    STRIPE = "stripe"
    WOOCOMMERCE = "woocommerce"
    STANDARD_WEBHOOKS = "standard_webhooks"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSecret:
    """A secret that a source signs with. `ends_at` None: it is good until it is replaced."""

    value: Secret
    added_at: datetime
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An inbound source. `reseller_id` None: the operator's own lines and devices."""

    id: SourceId
    kind: SourceKind
    reseller_id: ResellerId | None
    owner_path: str
    secrets: tuple[SourceSecret, ...]
    rules: Rules
    version: int
    created_at: datetime
    updated_at: datetime

    def good_secrets(self, now: datetime) -> tuple[Secret, ...]:
        """Return the secrets whose time is not over."""
        return tuple(
            each.value for each in self.secrets if each.ends_at is None or each.ends_at > now
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSource:
    """A source to make."""

    kind: SourceKind
    secrets: tuple[Secret, ...]
    rules: Rules
    reseller_id: ResellerId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceChanges:
    """A merge patch of a source; `secrets` and `rules` are replaced as a whole."""

    secrets: tuple[Secret, ...] | Unchanged = UNCHANGED
    rules: Rules | Unchanged = UNCHANGED


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedSource:
    """A source that is gone."""

    id: SourceId
    reseller_id: ResellerId | None


class EventState(StrEnum):
    """What became of an event.

    `received`: nobody has read it yet. `ignored`: nothing follows from it; see the reason.
    `waiting`: for its time, for its line, or for the panel. `done`, `failed`: final.
    """

    RECEIVED = "received"
    IGNORED = "ignored"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


class IgnoredFor(StrEnum):
    """Why nothing follows from an event."""

    NO_RULE = "no_rule"
    RULE_SAYS_NONE = "rule_says_none"
    #: A newer event about the same line or device was read before.
    OLDER = "older"
    #: A newer one came while this one was waiting.
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What a verified delivery says of itself. `event_id` is the sender's."""

    event_id: str
    type: str
    occurred_at: datetime
    payload: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundEvent:
    """An event and what became of it. `payload` None: it was read, and is gone.

    `rule` is the place of the rule that fitted. `due_at`: when a suspension is to happen.
    """

    id: InboundEventId
    source_id: SourceId
    owner_path: str
    event_id: str
    type: str
    occurred_at: datetime
    received_at: datetime
    payload: bytes | None = field(repr=False)
    state: EventState = EventState.RECEIVED
    reason: IgnoredFor | None = None
    rule: int | None = None
    action: str | None = None
    subject_id: str | None = None
    resource_kind: str | None = None
    external_id: str | None = None
    due_at: datetime | None = None
    operation_ids: tuple[str, ...] = ()
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What an event would do. `panel_calls` have their secrets masked.

    `is_older`: nothing, since a newer event about the same line or device was read before.
    """

    event_id: str
    type: str
    occurred_at: datetime
    decision: Decision
    is_older: bool = False
    resource_id: str | None = None
    due_at: datetime | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    panel_calls: tuple[Any, ...] = ()
    problem: Problem | None = None


def rules_of(rules: Rules) -> tuple[Rule, ...]:
    """Return the rules of a source, ready ones by their name."""
    return rules_in(READY[rules] if isinstance(rules, str) else rules)


def secret_fault(kind: SourceKind, secret: str) -> str | None:
    """Return what is wrong with a secret, or None."""
    if not SECRET_LENGTH_MIN <= len(secret) <= SECRET_LENGTH_MAX:
        return f"A secret has {SECRET_LENGTH_MIN} to {SECRET_LENGTH_MAX} characters."
    if not secret.isascii() or not secret.isprintable() or " " in secret:
        return "A secret is printable ASCII without blanks."
    if kind is SourceKind.STANDARD_WEBHOOKS and not standard_key(secret):
        return "This must be whsec_ and base64, as the sender shows it."
    return None


def standard_key(secret: str) -> bytes:
    """Return the key of a Standard Webhooks secret; empty where it is none."""
    try:
        return b64decode(secret.removeprefix(WHSEC), validate=True)
    except (binascii.Error, ValueError):
        return b""
