"""What is sent of OAuth clients: their origins, their public keys, and the rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Final

from pydantic import AfterValidator, Field, WithJsonSchema

from gateway.api.rest.faults import wrong
from gateway.api.rest.keys import Permissions
from gateway.api.rest.lists import Listed
from gateway.api.rest.patterns import looks_like
from gateway.api.rest.query import PageQuery
from gateway.api.rest.wire import Name, Patch, ResellerRef, Wire, example
from gateway.domain import jwks as rules
from gateway.domain.clients import OVERLAP_SECONDS_MAX, ClientChanges, NewClient
from gateway.domain.errors import Fault
from gateway.domain.ids import IdKind
from gateway.domain.origins import ORIGIN_LENGTH_MAX, ORIGINS_MAX, normal_origin

_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
#: A name whose last label begins with a letter. Of addresses only those of the machine itself are
#: described: no bearable pattern says what one is.
_NAMED: Final = rf"(?:{_LABEL}\.)*[A-Za-z](?:[A-Za-z0-9_-]{{0,61}}[A-Za-z0-9])?"
_LOCAL: Final = r"(?:[Ll][Oo][Cc][Aa][Ll][Hh][Oo][Ss][Tt]|127\.0\.0\.1|\[::1\])"
_HTTP: Final = "[Hh][Tt][Tt][Pp]"
_PORT: Final = "(?::[1-9][0-9]{0,3})?"
_ORIGIN: Final = rf"^(?:{_HTTP}[Ss]://{_NAMED}|{_HTTP}[Ss]?://{_LOCAL}){_PORT}$"


def _origin(text: str) -> str:
    try:
        return normal_origin(text)
    except ValueError as error:
        raise wrong("bad_format", str(error)) from None


def _key_schema(kind: str) -> dict[str, Any]:
    members: dict[str, Any] = {
        "kty": {"const": kind},
        "kid": {"type": "string", "pattern": rules.KID},
        "use": {"const": "sig"},
        "key_ops": {"const": ["verify"]},
        "alg": {"enum": [*rules.ALGORITHMS[kind]]},
        "ext": {"type": "boolean"},
    }
    if kind in rules.CURVES:
        members["crv"] = {"const": rules.CURVES[kind]}
    needed = {
        name: {"type": "string", "pattern": form} for name, form in rules.MEMBERS[kind].items()
    }
    return {
        "type": "object",
        "properties": members | needed,
        "required": ["kty", "kid", *(["crv"] if kind in rules.CURVES else []), *needed],
        "additionalProperties": False,
    }


_JWKS_SCHEMA: Final = {
    "type": "object",
    "description": "Public keys for signatures only, each with a `kid` of its own; at most 16 KiB.",
    "properties": {
        "keys": {
            "type": "array",
            "minItems": 1,
            "maxItems": rules.KEYS_MAX,
            "items": {"oneOf": [_key_schema(kind) for kind in rules.MEMBERS]},
        }
    },
    "required": ["keys"],
    "additionalProperties": False,
}

Origin = Annotated[
    str, Field(max_length=ORIGIN_LENGTH_MAX), AfterValidator(_origin), looks_like(_ORIGIN)
]
Origins = Annotated[tuple[Origin, ...], Listed(ORIGINS_MAX)]
#: Looked at whole in `cross_faults`, so that all its faults are told.
Jwks = Annotated[dict[str, Any], WithJsonSchema(_JWKS_SCHEMA)]


class ClientCreate(Wire):
    """A client to make. Without `permissions` it may get all that you may give."""

    model_config = example(
        name="Shop",
        permissions=["lines:read", "lines:write"],
        origins=["https://shop.example"],
    )

    name: Name
    reseller_id: ResellerRef | None = None
    permissions: Permissions | None = None
    origins: Origins = ()
    jwks: Jwks | None = None
    needs_dpop: bool = False

    @classmethod
    def cross_faults(cls, body: dict[str, Any]) -> Iterator[Fault]:
        """Yield what is wrong with the keys."""
        return _jwks_faults(body)

    def to_new_client(self) -> NewClient:
        """Return what the caller asks for, in the services' words."""
        return NewClient(
            name=self.name,
            reseller_id=self.reseller_id,
            permissions=None if self.permissions is None else frozenset(self.permissions),
            origins=self.origins,
            jwks=self.jwks,
            needs_dpop=self.needs_dpop,
        )


class ClientPatch(Patch):
    """What may change of a client. Lists, and `jwks`, are replaced as a whole."""

    model_config = example(origins=["https://shop.example", "https://www.shop.example"])

    name: Name = ""
    permissions: Permissions = ()
    origins: Origins = ()
    jwks: Jwks | None = None
    needs_dpop: bool = False

    @classmethod
    def cross_faults(cls, body: dict[str, Any]) -> Iterator[Fault]:
        """Yield what is wrong with the keys."""
        return _jwks_faults(body)

    def to_changes(self) -> ClientChanges:
        """Return what is to change, in the services' words."""
        given = self.given()
        if "permissions" in given:
            given["permissions"] = frozenset(self.permissions)
        return ClientChanges(**given)


class SecretRotation(Wire):
    """How a client's secret is replaced."""

    model_config = example(overlap_seconds=3600)

    overlap_seconds: Annotated[
        int,
        Field(
            ge=0,
            le=OVERLAP_SECONDS_MAX,
            description="How long the former secret stays good; 0: it ends at once.",
        ),
    ] = 0


class ClientQuery(PageQuery):
    """Which clients to list."""

    kind: ClassVar[IdKind] = IdKind.CLIENT

    reseller_id: ResellerRef | None = None


def _jwks_faults(body: dict[str, Any]) -> Iterator[Fault]:
    jwks = body.get("jwks")
    if isinstance(jwks, dict):  # What else it may be is told by its type.
        yield from rules.jwks_faults(jwks)
