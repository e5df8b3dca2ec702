"""OAuth 2: what is asked of the token endpoint, and every way in which it says no.

The refusals are told in the form of RFC 6749 section 5.2, never as problems.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Final

from gateway.domain.caller import Caller, Permission
from gateway.domain.clients import Client
from gateway.domain.errors import GatewayError, Refusal
from gateway.domain.secrets import Secret
from gateway.domain.signing import TOKEN_LIFE_MAX

#: How long a client's own token is good.
CLIENT_TOKEN_LIFE: Final = TOKEN_LIFE_MAX
#: How many actors may stand in the `act` chain of a token that we issue.
CHAIN_MAX: Final = 4
#: How far ahead the end of a client's assertion may be.
ASSERTION_LIFE_MAX: Final = timedelta(minutes=5)
#: What a storefront's token may do with its line or device, if its client may.
LINE_SCOPE: Final = frozenset({Permission.LINES_READ, Permission.PLANS_READ})
DEVICE_SCOPE: Final = frozenset({Permission.DEVICES_READ, Permission.PLANS_READ})
#: What a policy calls it that subscribers may give their line a new password.
MAY_ROTATE: Final = "rotate_password"


class Grant(StrEnum):
    """The grants of the token endpoint."""

    CLIENT_CREDENTIALS = "client_credentials"
    TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - a name


#: RFC 8693 section 3, and the kind of client assertion of RFC 7523 section 2.2.
ACCESS_TOKEN_TYPE: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a name
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientProof:
    """How a client proves who it is: by its secret, or by an assertion that it signed."""

    client_id: str | None
    secret: Secret | None = None
    assertion: Secret | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownClient:
    """A client that has proved who it is, and the caller that it is."""

    client: Client
    caller: Caller


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """What a client asks of a token of its own. `scope` None: all that it may have.

    `resource` is the `resource` parameter of RFC 8707. `proof_key` is the thumbprint of the key
    that the token is to be bound to.
    """

    scope: frozenset[str] | None = None
    resource: str | None = None
    proof_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeRequest:
    """What a client asks of a storefront's token: `subject_token` is a token of its reseller's."""

    subject_token: Secret
    scope: frozenset[str] | None = None
    proof_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedToken:
    """A token, shown this once."""

    token: Secret
    scope: frozenset[Permission]
    life: timedelta
    proof_key: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokedToken:
    """A token that counts no more, although its time is not over. `id` is its `jti`."""

    id: str
    revoked_at: datetime
    expires_at: datetime


class InvalidTokenRequest(GatewayError):
    """A parameter is missing, given twice, or not well-formed."""

    code = "invalid_request"
    status = 400


class UnsupportedGrantType(GatewayError):
    """There is no such grant here."""

    code = "unsupported_grant_type"
    status = 400


class InvalidClient(GatewayError):
    """The client is unknown or revoked, or has not proved who it is: told apart in the log only."""

    code = "invalid_client"
    status = 401


class InvalidProof(GatewayError):
    """The DPoP proof is missing or not good (RFC 9449 section 5)."""

    code = "invalid_dpop_proof"
    status = 400


class OAuthRefusal(Refusal):
    """A well-formed request of a known client that a rule refuses. Goes into the audit log."""

    status: ClassVar[int] = 400


class InvalidScope(OAuthRefusal):
    """The client asks for a permission that the token cannot have."""

    code = "invalid_scope"


class InvalidTarget(OAuthRefusal):
    """The resource is none of ours, or none that the client can see: the answer is the same."""

    code = "invalid_target"


class UnacceptableToken(OAuthRefusal):
    """The subject token is not valid, or cannot be exchanged (RFC 8693 section 2.2.2)."""

    code = "invalid_request"
