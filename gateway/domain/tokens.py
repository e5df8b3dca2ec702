"""Access tokens (RFC 9068): what one says, once its signature and times are known to be good."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.domain.ids import ResellerId


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token that is valid now; whom it speaks for is looked up with it.

    `id` is its `jti`, `issuer` its `iss`, `subject` its `sub`: for a client's own token the client,
    for a storefront's the line or device. `scope` are the words of its `scope` claim. `resource_id`
    is the one line or device that it is bound to, None: not bound. `chain` are the subjects of its
    `act` claim, the nearest first. `proof_key` is the thumbprint (`cnf.jkt`) of the key that each
    request with it must be signed by, None: a bearer's.
    """

    id: str
    issuer: str
    subject: str
    client_id: str
    scope: frozenset[str]
    issued_at: datetime
    expires_at: datetime
    reseller_id: ResellerId | None = None
    resource_id: str | None = None
    chain: tuple[str, ...] = ()
    proof_key: str | None = None
