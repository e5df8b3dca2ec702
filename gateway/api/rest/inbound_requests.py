"""What is sent of inbound sources: their secrets, their rules, and an event to try."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field, Strict, WithJsonSchema

from gateway.api.rest.lists import Listed
from gateway.api.rest.patterns import PERIOD
from gateway.api.rest.query import PageQuery
from gateway.api.rest.wire import Patch, ResellerRef, Wire, example
from gateway.domain import json_paths
from gateway.domain.errors import Fault
from gateway.domain.ids import IdKind
from gateway.domain.inbound import (
    OVERLAP_SECONDS,
    OVERLAP_SECONDS_MAX,
    SECRET_LENGTH_MAX,
    SECRET_LENGTH_MIN,
    SECRETS_MAX,
    NewSource,
    SourceChanges,
    SourceKind,
)
from gateway.domain.inbound_ready import READY
from gateway.domain.inbound_rules import RULES_MAX, ResourceKind, RuleAction
from gateway.domain.secrets import Secret
from gateway.services.inbound import rules_faults

_PATH: Final = {"type": "string", "pattern": json_paths.PATH, "maxLength": json_paths.LENGTH_MAX}
_PATHS: Final = {"type": "array", "items": _PATH, "minItems": 1, "maxItems": 10}
_SCALAR: Final = {"type": ["string", "integer", "boolean"]}
_CONDITION: Final = {
    "type": "object",
    "description": "Exactly one of equals, in and exists.",
    "properties": {
        "path": _PATH,
        "equals": _SCALAR,
        "in": {"type": "array", "items": _SCALAR, "minItems": 1, "maxItems": 50},
        "exists": {"type": "boolean"},
    },
    "required": ["path"],
    "oneOf": [{"required": [name]} for name in ("equals", "in", "exists")],
    "additionalProperties": False,
}
_CREATION: Final = {
    "type": "object",
    "properties": {
        "panel_id": {"type": ["string", "null"], "pattern": "^[A-Za-z0-9_-]{1,64}$"},
        "bouquet_ids": {
            "type": "array",
            "items": {"type": "integer", "minimum": 0, "exclusiveMaximum": 2**31},
            "maxItems": 500,
        },
        "max_connections": {"type": ["integer", "null"], "minimum": 1, "maximum": 1_000},
    },
    "additionalProperties": False,
}
_RULE: Final = {
    "type": "object",
    "description": "The first rule that fits decides. Which members go together, docs/inbound.md "
    "tells.",
    "properties": {
        "types": {
            "type": "array",
            "items": {"type": "string", "minLength": 1, "maxLength": 100},
            "maxItems": 50,
        },
        "when": {"type": "array", "items": _CONDITION, "maxItems": 20},
        "do": {"enum": [each.value for each in RuleAction]},
        "resource": {"enum": [each.value for each in ResourceKind]},
        "external_id": _PATHS,
        "until": _PATHS,
        "reference": _PATHS,
        "grace": {"type": "string", "pattern": PERIOD, "examples": ["P3D"]},
        "create": _CREATION,
    },
    "required": ["do"],
    "additionalProperties": False,
}
#: Also that of answers.
RULES_SCHEMA: Final = {
    "description": "The name of a ready set, or rules.",
    "oneOf": [
        {"enum": list(READY)},
        {"type": "array", "items": _RULE, "minItems": 1, "maxItems": RULES_MAX},
    ],
}

#: Looked at whole in `cross_faults`, so that callers beside REST get the same faults.
RulesIn = Annotated[Any, WithJsonSchema(RULES_SCHEMA)]
SecretText = Annotated[
    str,
    Field(
        min_length=SECRET_LENGTH_MIN,
        max_length=SECRET_LENGTH_MAX,
        pattern=r"^[\x21-\x7e]+$",
        description="As the sender shows it; for standard_webhooks whsec_ and base64.",
    ),
]
Secrets = Annotated[tuple[SecretText, ...], Field(min_length=1, repr=False), Listed(SECRETS_MAX)]


class InboundSourceCreate(Wire):
    """A billing system whose events change lines and devices."""

    model_config = example(
        kind="stripe",
        secrets=["whsec_the_signing_secret_of_the_endpoint"],
        rules="stripe_subscriptions",
    )

    kind: Annotated[SourceKind, Strict(strict=False)]
    secrets: Secrets
    rules: RulesIn
    reseller_id: ResellerRef | None = None

    @classmethod
    def cross_faults(cls, body: dict[str, Any]) -> Iterator[Fault]:
        """Yield what is wrong with the rules."""
        if "rules" in body:
            yield from rules_faults(body["rules"])

    def to_new_source(self) -> NewSource:
        """Return what the caller asks for, in the services' words."""
        return NewSource(
            kind=self.kind,
            secrets=tuple(map(Secret, self.secrets)),
            rules=self.rules,
            reseller_id=self.reseller_id,
        )


class InboundSourcePatch(Patch):
    """What may change of a source. Both are replaced as a whole, secrets at once."""

    model_config = example(rules="stripe_subscriptions")

    secrets: Secrets = ()
    rules: RulesIn = ()

    @classmethod
    def cross_faults(cls, body: dict[str, Any]) -> Iterator[Fault]:
        """Yield what is wrong with the rules."""
        if "rules" in body:
            yield from rules_faults(body["rules"])

    def to_changes(self) -> SourceChanges:
        """Return what is to change, in the services' words."""
        given = self.given()
        if "secrets" in given:
            given["secrets"] = tuple(map(Secret, self.secrets))
        return SourceChanges(**given)


class SourceSecretRotation(Wire):
    """A secret to add; the present ones end later."""

    model_config = example(secret="whsec_the_next_secret", overlap_seconds=86400)  # noqa: S106

    secret: Annotated[SecretText, Field(repr=False)]
    overlap_seconds: Annotated[
        int,
        Field(
            ge=0,
            le=OVERLAP_SECONDS_MAX,
            description="How long the present secrets stay good; 0: they end at once.",
        ),
    ] = OVERLAP_SECONDS


class EventToPreview(Wire):
    """An event to try: what the sender would deliver. Headers: the topic, the event's id."""

    model_config = example(
        payload={
            "id": "evt_1",
            "type": "invoice.paid",
            "created": 1798761600,
            "data": {
                "object": {
                    "id": "in_1",
                    "metadata": {"external_id": "order-4711"},
                    "lines": {"data": [{"period": {"end": 1801440000}}]},
                }
            },
        }
    )

    payload: dict[str, Any]
    headers: Annotated[dict[str, Annotated[str, Field(max_length=2_000)]], Field(max_length=50)] = (
        Field(default_factory=dict)
    )


class InboundSourceQuery(PageQuery):
    """Which sources to list."""

    kind: ClassVar[IdKind] = IdKind.SOURCE

    reseller_id: ResellerRef | None = None


class InboundEventQuery(PageQuery):
    """Which of a source's events to list."""

    kind: ClassVar[IdKind] = IdKind.INBOUND_EVENT
