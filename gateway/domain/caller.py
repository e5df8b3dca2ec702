"""Who is asking, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.domain.ids import ResellerId
    from gateway.domain.limits import Rate
    from gateway.domain.resellers import Policy

#: Every owner path ends in a slash, so a prefix of a path is never half an id. Rows that belong
#: to the operator, and to nobody below, have the root.
ROOT_PATH: Final = "/"


def lineage(owner_path: str) -> tuple[str, ...]:
    """Return the paths from the operator's down to *owner_path*: `/a/b/` -> `/`, `/a/`, `/a/b/`."""
    ends = [place for place, letter in enumerate(owner_path, start=1) if letter == ROOT_PATH]
    return tuple(owner_path[:end] for end in ends)


class Permission(StrEnum):
    """`noun:verb`, the same word in keys, tokens, the log and the docs."""

    LINES_READ = "lines:read"
    LINES_WRITE = "lines:write"
    LINES_SECRETS = "lines:secrets"
    DEVICES_READ = "devices:read"
    DEVICES_WRITE = "devices:write"
    OPERATIONS_READ = "operations:read"
    OPERATIONS_RESOLVE = "operations:resolve"
    PLANS_READ = "plans:read"
    PLANS_WRITE = "plans:write"
    CREDITS_READ = "credits:read"
    CREDITS_WRITE = "credits:write"
    RESELLERS_READ = "resellers:read"
    RESELLERS_WRITE = "resellers:write"
    PANELS_READ = "panels:read"
    PANELS_WRITE = "panels:write"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    CLIENTS_READ = "clients:read"
    CLIENTS_WRITE = "clients:write"
    INBOUND_READ = "inbound:read"
    INBOUND_WRITE = "inbound:write"
    GRAPHQL_INTROSPECT = "graphql:introspect"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"
    EVENTS_READ = "events:read"
    AUDIT_READ = "audit:read"
    IMPORTS_WRITE = "imports:write"
    METRICS_READ = "metrics:read"


#: What only the one who runs the gateway may do; no reseller key can hold these.
OPERATOR_ONLY: Final = frozenset(
    {
        Permission.OPERATIONS_RESOLVE,
        Permission.PLANS_WRITE,
        Permission.CREDITS_WRITE,
        Permission.RESELLERS_WRITE,
        Permission.PANELS_READ,
        Permission.PANELS_WRITE,
        Permission.IMPORTS_WRITE,
        Permission.METRICS_READ,
    }
)
ALL_PERMISSIONS: Final = frozenset(Permission)
RESELLER_PERMISSIONS: Final = ALL_PERMISSIONS - OPERATOR_ONLY
#: What the rules of an inbound source may do.
SOURCE_PERMISSIONS: Final = frozenset({Permission.LINES_WRITE, Permission.DEVICES_WRITE})


class CallerKind(StrEnum):
    """What sort of caller."""

    OPERATOR = "operator"
    RESELLER = "reseller"
    STOREFRONT = "storefront"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who an API key or a token speaks for. Made by identity, and for workers by `Caller.system`.

    `owner_path` is where the caller's own rows live: the root for operators. `key_id` is the API
    key, or the client that a token was issued to. `token_id`, `origins` and `expires_at` are a
    token's: its `jti`, the origins of its client, and its end. `resource_id` is the one line or
    device that a storefront's token is bound to; `chain` who acts, the nearest first. `rate_limit`
    None: that of the settings.
    """

    kind: CallerKind
    id: str
    key_id: str | None = None
    token_id: str | None = None
    resource_id: str | None = None
    chain: tuple[str, ...] = ()
    origins: frozenset[str] = frozenset()
    expires_at: datetime | None = None
    reseller_id: ResellerId | None = None
    owner_path: str = ROOT_PATH
    permissions: frozenset[Permission] = frozenset()
    suspended: bool = False
    rate_limit: Rate | None = None

    @classmethod
    def system(cls, name: str) -> Caller:
        """Return the caller that a worker or the command line acts as."""
        return cls(kind=CallerKind.SYSTEM, id=name, permissions=ALL_PERMISSIONS)

    @classmethod
    def of_source(
        cls,
        source_id: str,
        reseller_id: ResellerId | None,
        owner_path: str,
        *,
        suspended: bool,
    ) -> Caller:
        """Return the caller that an inbound source acts as: its reseller, for changes only.

        The source stands where a key would. *reseller_id* None: the operator's source.
        """
        return cls(
            kind=CallerKind.OPERATOR if reseller_id is None else CallerKind.RESELLER,
            id=reseller_id or CallerKind.OPERATOR.value,
            key_id=source_id,
            reseller_id=reseller_id,
            owner_path=owner_path,
            permissions=SOURCE_PERMISSIONS,
            suspended=suspended,
        )

    @property
    def sees_everything(self) -> bool:
        """Operators and the system see all resellers."""
        return self.kind in {CallerKind.OPERATOR, CallerKind.SYSTEM}

    def may(self, permission: Permission) -> bool:
        """Tell whether this caller holds *permission*."""
        return permission in self.permissions


@dataclass(frozen=True, slots=True, kw_only=True)
class Me:
    """What a caller may know of itself. `policy` None: operators have none."""

    kind: CallerKind
    reseller_id: ResellerId | None
    key_id: str | None
    permissions: frozenset[Permission]
    policy: Policy | None
