"""`/v1/keys`: secret texts that speak for a caller."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Strict, StringConstraints

from gateway.api.rest.faults import wrong
from gateway.api.rest.lists import Listed, Networks
from gateway.api.rest.query import PageQuery
from gateway.api.rest.routing import delete, get, mapped, mapped_page, post
from gateway.api.rest.shapes import Out, Time
from gateway.api.rest.wire import Name, ResellerRef, Wire, example
from gateway.api.rest.wire import Time as TimeIn
from gateway.domain.caller import Permission
from gateway.domain.errors import FieldNotAllowed, NotFound
from gateway.domain.ids import IdKind, KeyId
from gateway.domain.keys import IssuedKey, Key, NewKey
from gateway.domain.limits import Rate
from gateway.domain.paging import Page
from gateway.services import keys
from gateway.services.context import Context, Outcome

Permissions = Annotated[
    tuple[Annotated[Permission, Strict(strict=False)], ...], Listed(len(Permission))
]


def _rate_text(text: str) -> str:
    try:
        Rate.parse(text)
    except ValueError as error:
        raise wrong("out_of_range", f"It {error}.") from None
    return text


#: Requests/seconds.
RateText = Annotated[
    str,
    StringConstraints(pattern=r"^[1-9][0-9]{0,8}/[1-9][0-9]{0,4}$"),
    AfterValidator(_rate_text),
]


class KeyCreate(Wire):
    """A key to issue. Without `permissions` it has all that you may give."""

    model_config = example(name="Shop", permissions=["lines:read", "lines:write"])

    name: Name
    reseller_id: ResellerRef | None = None
    permissions: Permissions | None = None
    allowed_ips: Networks = ()
    expires_at: TimeIn | None = None
    rate_limit: RateText | None = None

    def to_new_key(self) -> NewKey:
        """Return what the caller asks for, in the services' words."""
        return NewKey(
            name=self.name,
            reseller_id=self.reseller_id,
            permissions=None if self.permissions is None else frozenset(self.permissions),
            allowed_ips=self.allowed_ips,
            expires_at=self.expires_at,
            rate_limit=None if self.rate_limit is None else Rate.parse(self.rate_limit),
        )


class KeyQuery(PageQuery):
    """Which keys to list."""

    kind: ClassVar[IdKind] = IdKind.KEY

    reseller_id: ResellerRef | None = None


class KeyOut(Out, frozen=True, kw_only=True):
    """A key without its secret. `reseller_id` null: an operator's."""

    id: str
    object: str = "key"
    name: str
    reseller_id: str | None
    prefix: str
    permissions: tuple[Permission, ...]
    allowed_ips: tuple[str, ...]
    expires_at: Time | None
    last_used_at: Time | None
    revoked_at: Time | None
    created_at: Time
    rate_limit: str | None


class IssuedKeyOut(KeyOut, frozen=True, kw_only=True):
    """A key with its secret, which is shown this once."""

    key: str


@post(
    "/v1/keys",
    status=201,
    needs=Permission.KEYS_WRITE,
    raises=(NotFound, FieldNotAllowed),
)
async def issue_key(context: Context, body: KeyCreate) -> Outcome[IssuedKeyOut]:
    """Issue a key. Its secret is in this answer only."""
    return mapped(await keys.issue_key(context, body.to_new_key()), issued_key_out)


@get("/v1/keys", needs=Permission.KEYS_READ)
async def list_keys(context: Context, query: KeyQuery) -> Page[KeyOut]:
    """List keys, newest first."""
    return mapped_page(await keys.list_keys(context, query.page, query.reseller_id), key_out)


@get("/v1/keys/{key_id}", needs=Permission.KEYS_READ, raises=(NotFound,))
async def get_key(context: Context, key_id: KeyId) -> KeyOut:
    """Read a key, without its secret."""
    return key_out(await keys.get_key(context, key_id))


@delete("/v1/keys/{key_id}", needs=Permission.KEYS_WRITE, raises=(NotFound,))
async def revoke_key(context: Context, key_id: KeyId) -> Outcome[None]:
    """End a key for good, at once. Safe to repeat."""
    return mapped(await revoked_key(context, key_id), lambda _: None)


async def revoked_key(context: Context, key_id: KeyId) -> Outcome[KeyOut]:
    """End a key for good and return what is left of it."""
    return mapped(await keys.revoke_key(context, key_id), key_out)


def key_out(key: Key) -> KeyOut:
    """Return the public shape of *key*."""
    return KeyOut(**_members(key))


def issued_key_out(issued: IssuedKey) -> IssuedKeyOut:
    """Return the public shape of a key with its secret."""
    return IssuedKeyOut(**_members(issued.key), key=issued.secret.reveal())


def _members(key: Key) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "reseller_id": key.reseller_id,
        "prefix": key.prefix,
        "permissions": tuple(each for each in Permission if each in key.permissions),
        "allowed_ips": key.allowed_ips,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
        "created_at": key.created_at,
        "rate_limit": None if key.rate_limit is None else str(key.rate_limit),
    }
