"""Every way in which the gateway says no.

GatewayError
├── InternalError                 a bug; the only one whose cause is hidden
├── InvalidRequest                MalformedBody, UnsupportedMediaType, BodyTooLarge,
│                                 MethodNotAllowed, NotAcceptable, RequestTimeout, UriTooLong,
│                                 HeadersTooLarge
├── Unauthenticated, NotFound, RateLimited
├── Refusal                       an allowed, well-formed request that our rules refuse; audited
│   ├── PermissionDenied          audited as `denied`; the rest as `failed`
│   ├── UsernameTaken, MacTaken, ExternalIdTaken, StateConflict, VersionMismatch
│   └── QuotaExceeded, BouquetNotAllowed, FieldNotAllowed
├── IdempotencyInProgress, IdempotencyKeyReused
├── PanelError                    what the panel did; these four decide what a client does next
│   ├── PanelRefusedValues, PanelLineGated, PanelUnsupported, CredentialsOutOfSync: it said no
│   ├── PanelMisconfigured        it refuses the gateway itself
│   ├── PanelUnavailable          never reached: safe to try again
│   └── PanelOutcomeUnknown       sent, no usable answer: never try again blindly
└── ServiceUnavailable            our own database or audit log; nothing was sent

A class carries its `code` and `status` (both are contract, equal in REST and GraphQL), its
docstring says when, and `todo` says what the caller should do next.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from gateway.domain.limits import Standing


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a request: where (a JSON pointer, or `?name`), which, and what is wrong."""

    pointer: str
    code: str
    detail: str


class GatewayError(Exception):
    """Something a caller is told. `detail` never holds a secret or a panel's text."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    todo: ClassVar[str] = "Try again later; if it stays, report the request id."

    def __init__(
        self,
        detail: str,
        *,
        faults: tuple[Fault, ...] = (),
        operation_id: str | None = None,
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.faults = faults
        self.operation_id = operation_id
        self.retry_after_seconds = retry_after_seconds
        #: The answer belongs to an earlier request with the same Idempotency-Key.
        self.replayed = False


class InternalError(GatewayError):
    """A bug on our side. The log has the rest under the request id."""


class InvalidRequest(GatewayError):
    """The request does not have the promised shape; `errors` lists every fault."""

    code = "invalid_request"
    status = 422
    todo = "Correct the fields named in errors and send the request again."


class MalformedBody(GatewayError):
    """The body is not one JSON value: broken, duplicate keys, NaN or nested too deep."""

    code = "malformed_body"
    status = 400
    todo = "Send one well-formed JSON object, each key once, at most 32 levels deep."


class UnsupportedMediaType(GatewayError):
    """The body is not of a type that this route takes."""

    code = "unsupported_media_type"
    status = 415
    todo = "Send Content-Type: application/json."


class BodyTooLarge(GatewayError):
    """The body is larger than the gateway reads."""

    code = "body_too_large"
    status = 413
    todo = "Send a smaller body."


class MethodNotAllowed(GatewayError):
    """The path exists, the method does not; `Allow` lists those that do."""

    code = "method_not_allowed"
    status = 405
    todo = "Use one of the methods in the Allow header."


class NotAcceptable(GatewayError):
    """The caller accepts no representation that this route can give."""

    code = "not_acceptable"
    status = 406
    todo = "Accept application/json."


class Challenge(Enum):
    """What a caller that is not known is asked for."""

    #: A key or a token; none was given, or none that can be read.
    CREDENTIAL = auto()
    #: Another key or token than the one given.
    ANOTHER_CREDENTIAL = auto()
    #: Another token than the one given with a proof.
    ANOTHER_BOUND_TOKEN = auto()
    #: Another proof; the token is good.
    ANOTHER_PROOF = auto()


class RequestTimeout(GatewayError):
    """The headers or the body did not come within the time that the gateway waits for them."""

    code = "request_timeout"
    status = 408
    todo = "Send the whole request at once; trying again is safe."


class UriTooLong(GatewayError):
    """The path with its query is longer than the gateway reads."""

    code = "uri_too_long"
    status = 414
    todo = "Send a shorter query; GraphQL takes long documents by POST."


class HeadersTooLarge(GatewayError):
    """There are too many headers, or they are too large together."""

    code = "headers_too_large"
    status = 431
    todo = "Send fewer and shorter headers."


class RateLimited(GatewayError):
    """Too many requests, or too many wrong keys, secrets or passwords; nothing was done.

    `standings`: how the buckets stand, the caller's own first; empty for a lock-out.
    """

    code = "rate_limited"
    status = 429
    todo = "Wait for Retry-After, then go on more slowly; RateLimit tells what is left."

    def __init__(
        self,
        detail: str,
        *,
        retry_after_seconds: int | None = 1,
        standings: tuple[Standing, ...] = (),
        **common: Any,  # noqa: ANN401 - see GatewayError
    ) -> None:
        super().__init__(detail, retry_after_seconds=retry_after_seconds, **common)
        self.standings = standings


class Unauthenticated(GatewayError):
    """No key or token, or one that is unknown, revoked, expired or not valid here."""

    code = "unauthenticated"
    status = 401
    todo = "Send a valid key or token as Authorization: Bearer <key>."

    def __init__(
        self,
        detail: str,
        *,
        challenge: Challenge = Challenge.CREDENTIAL,
        **common: Any,  # noqa: ANN401 - see GatewayError
    ) -> None:
        super().__init__(detail, **common)
        self.challenge = challenge


class NotFound(GatewayError):
    """No such thing, or it belongs to somebody else: the answer is the same."""

    code = "not_found"
    status = 404
    todo = "Check the id; you only ever see what is yours."


class Refusal(GatewayError):
    """A well-formed request that a rule of the gateway refuses. Goes into the audit log."""

    code = "state_conflict"
    status = 409


class PermissionDenied(Refusal):
    """The caller lacks the permission, or its reseller is suspended."""

    code = "permission_denied"
    status = 403
    todo = "Use a key that has the permission named in detail."


class UsernameTaken(Refusal):
    """A line with this username exists on the panel."""

    code = "username_taken"
    status = 409
    todo = "Choose another username, or leave it out and let the gateway choose."


class MacTaken(Refusal):
    """A device with this MAC exists on the panel."""

    code = "mac_taken"
    status = 409
    todo = "Check the MAC; a terminated device keeps its MAC reserved."


class ExternalIdTaken(Refusal):
    """Another of the reseller's lines, or of its devices, has this external_id."""

    code = "external_id_taken"
    status = 409
    todo = "Read the existing one by its external_id, or choose another."


class StateConflict(Refusal):
    """The resource is not in a state that allows this."""

    code = "state_conflict"
    status = 409
    todo = "Read the resource and decide again from its present state."


class VersionMismatch(Refusal):
    """If-Match names another version than the present one."""

    code = "version_mismatch"
    status = 412
    todo = "Read the resource again and repeat the change with its new ETag."


class QuotaExceeded(Refusal):
    """No more connections, lines, devices, trials, documents or webhook endpoints are allowed."""

    code = "quota_exceeded"
    status = 403
    todo = "Ask for less, end something, or ask the operator for a higher limit."


class BouquetNotAllowed(Refusal):
    """The reseller's policy does not include one of the bouquets."""

    code = "bouquet_not_allowed"
    status = 403
    todo = "Use only bouquets of the policy that GET /v1/me shows."


class FieldNotAllowed(Refusal):
    """The field is for operators, or the reseller's policy forbids its value."""

    code = "field_not_allowed"
    status = 403
    todo = "Leave the fields named in errors out."


class IdempotencyInProgress(GatewayError):
    """The first request with this Idempotency-Key has not got an answer yet."""

    code = "idempotency_in_progress"
    status = 409
    todo = "Send the same request again after Retry-After."


class IdempotencyKeyReused(GatewayError):
    """This Idempotency-Key was used for another request."""

    code = "idempotency_key_reused"
    status = 422
    todo = "Use a fresh Idempotency-Key for a new request."


class PanelError(GatewayError):
    """What a panel's answer, or its silence, means for the caller.

    `unsent`: the call that was asked for was not even sent; the panel has refused an earlier one.
    """

    code = "panel_unavailable"
    status = 503
    unsent: bool = False


class PanelRefusedValues(PanelError):
    """The panel's database refuses a value, or would not keep it as it is."""

    code = "panel_refused_values"
    status = 422
    todo = "Change the values; the panel will refuse the same ones again."


class PanelLineGated(PanelError):
    """The panel's own firewall hides this line because it is expired or disabled."""

    code = "panel_line_gated"
    status = 409
    todo = "Ask the panel's owner to switch the request firewall off, or renew before expiry."


class PanelUnsupported(PanelError):
    """This dialect or this panel cannot do what was asked."""

    code = "panel_unsupported"
    status = 501
    todo = "Use another panel for this, or do without."


class CredentialsOutOfSync(PanelError):
    """The panel no longer knows the stored credentials of this line."""

    code = "credentials_out_of_sync"
    status = 409
    todo = "They were changed outside the gateway: set the known ones again on the panel."


class PanelMisconfigured(PanelError):
    """The panel refuses the gateway's address or key, or the address is not a panel's."""

    code = "panel_misconfigured"
    status = 502
    todo = "The operator must correct the panel's address, key or allow list; see its probe."


class PanelUnavailable(PanelError):
    """The panel was not reached. For a change: nothing was sent, so trying again is safe."""

    code = "panel_unavailable"
    status = 503
    todo = "Try again after Retry-After."


class PanelOutcomeUnknown(PanelError):
    """Sent, but without a usable answer: the panel may or may not have acted."""

    code = "outcome_unknown"
    status = 504
    todo = "Do not repeat it blindly; follow the operation until it is final."


class ServiceUnavailable(GatewayError):
    """Our own database or audit log is down, or we are overloaded or draining.

    Without an operation_id nothing was sent to the panel.
    """

    code = "service_unavailable"
    status = 503
    todo = "Try again after Retry-After; where operation_id is given, follow that first."
