"""Domain objects for tests: valid by default, a test names what it cares about.

Those that belong together do so by default: `a_line()` lies on `a_panel()`, and with
`**owned_by(a_reseller())` it is that reseller's. Ids are fresh, so two calls make two things.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final

from gateway.domain.audit import AuditEntry, Phase
from gateway.domain.caller import ROOT_PATH, Permission
from gateway.domain.clients import Client
from gateway.domain.deliveries import Attempt, Delivery, DeliveryState
from gateway.domain.devices import Device, normal_mac
from gateway.domain.documents import TrustedDocument, document_id_of
from gateway.domain.drifts import Difference, Drift, DriftKind
from gateway.domain.events import Event, EventType
from gateway.domain.idempotency import KeptAnswer
from gateway.domain.ids import (
    AttemptId,
    AuditEntryId,
    ClientId,
    DeliveryId,
    DeviceId,
    DriftId,
    EndpointId,
    EventId,
    IdKind,
    InboundEventId,
    KeyId,
    LineId,
    OperationId,
    PanelId,
    ResellerId,
    SourceId,
    new_id,
)
from gateway.domain.inbound import InboundEvent, Source, SourceKind, SourceSecret
from gateway.domain.inbound_rules import ResourceKind
from gateway.domain.inbound_subjects import Subject, subject_id
from gateway.domain.keys import Key
from gateway.domain.lines import Line
from gateway.domain.operations import Asker, Operation, OperationState
from gateway.domain.panels import Bouquet, Budget, CreditMode, Panel, Tls
from gateway.domain.resellers import Policy, Reseller, ResellerState, owner_path
from gateway.domain.secrets import Secret
from gateway.domain.signing import SigningKey
from gateway.domain.subscriptions import Status
from gateway.domain.webhooks import Endpoint, EndpointSecret, EndpointState, SignatureKind, Tried

NOW: Final = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PANEL_ID: Final = PanelId("pnl_0000000000000000000000000a")

_numbers: Final = count(1)


def an_id(kind: IdKind) -> str:
    """Return a fresh id; later ones sort later."""
    return new_id(kind, NOW + timedelta(milliseconds=next(_numbers)), secrets.token_bytes)


def owned_by(reseller: Reseller | None) -> dict[str, Any]:
    """Return the members by which something belongs to a reseller, or to the operator."""
    if reseller is None:
        return {"reseller_id": None, "owner_path": ROOT_PATH}
    return {"reseller_id": reseller.id, "owner_path": reseller.owner_path}


def a_panel(**changes: Any) -> Panel:
    """Return a panel that has just been added; the same id each time."""
    panel = Panel(
        id=PANEL_ID,
        name="Panel One",
        dialect="xtream_v2",
        base_url="http://127.0.0.1:25461",
        api_pass=Secret("panel-pass"),
        tls=Tls(),
        budget=Budget(),
        settle_seconds=300,
        suspend_by=None,
        creates_devices=True,
        credit_mode=CreditMode.LEDGER,
        bouquets=(Bouquet(id=1, name="News"), Bouquet(id=2, name="Sport")),
        extra_columns=(),
        probe=None,
        version=1,
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(panel, **changes)


def a_reseller(*, parent: Reseller | None = None, **changes: Any) -> Reseller:
    """Return an active reseller, below *parent* or the operator."""
    reseller_id = ResellerId(changes.get("id") or an_id(IdKind.RESELLER))
    reseller = Reseller(
        id=reseller_id,
        name="Reseller",
        parent_id=None if parent is None else parent.id,
        owner_path=owner_path(ROOT_PATH if parent is None else parent.owner_path, reseller_id),
        state=ResellerState.ACTIVE,
        panel_accounts=(),
        policy=Policy(panel_ids=(PANEL_ID,)),
        metadata={},
        version=1,
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(reseller, **changes)


def a_line(**changes: Any) -> Line:
    """Return a live, active line of the operator's, on `a_panel()`."""
    line_id = LineId(changes.get("id") or an_id(IdKind.LINE))
    line = Line(
        id=line_id,
        panel_id=PANEL_ID,
        reseller_id=None,
        owner_path=ROOT_PATH,
        external_id=None,
        plan_id=None,
        username=f"user{line_id[-20:]}",
        password=Secret("line-password"),
        status=Status.LIVE,
        suspended_by=None,
        is_banned=False,
        expires_at=NOW + timedelta(days=30),
        max_connections=1,
        bouquet_ids=(1, 2),
        is_trial=False,
        is_restreamer=False,
        allowed_ips=(),
        allowed_user_agents=(),
        notes="",
        admin_notes="",
        metadata={},
        member_id=None,
        force_server_id=None,
        isp_lock=False,
        extra={},
        panel_line_id=None,
        version=1,
        epoch=1,
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(line, **changes)


def a_device(**changes: Any) -> Device:
    """Return a live, active device of the operator's, on `a_panel()`."""
    device = Device(
        id=DeviceId(an_id(IdKind.DEVICE)),
        panel_id=PANEL_ID,
        reseller_id=None,
        owner_path=ROOT_PATH,
        external_id=None,
        plan_id=None,
        mac=normal_mac(f"001A79{next(_numbers):06X}"),
        status=Status.LIVE,
        suspended_by=None,
        is_banned=False,
        expires_at=NOW + timedelta(days=30),
        max_connections=1,
        bouquet_ids=(1, 2),
        is_trial=False,
        is_restreamer=False,
        allowed_ips=(),
        allowed_user_agents=(),
        notes="",
        admin_notes="",
        metadata={},
        member_id=None,
        force_server_id=None,
        isp_lock=False,
        extra={},
        panel_line_id=None,
        panel_device_id=None,
        version=1,
        epoch=1,
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(device, **changes)


def a_key(**changes: Any) -> Key:
    """Return a usable key of the operator's with no permission but to read lines."""
    key = Key(
        id=KeyId(an_id(IdKind.KEY)),
        name="Key",
        reseller_id=None,
        owner_path=ROOT_PATH,
        prefix="xgw_abcd",
        permissions=frozenset({Permission.LINES_READ}),
        allowed_ips=(),
        expires_at=None,
        last_used_at=None,
        revoked_at=None,
        created_at=NOW,
    )
    return replace(key, **changes)


def a_client(**changes: Any) -> Client:
    """Return a client of the operator's that may read lines, with a secret."""
    client = Client(
        id=ClientId(an_id(IdKind.CLIENT)),
        name="Client",
        reseller_id=None,
        owner_path=ROOT_PATH,
        permissions=frozenset({Permission.LINES_READ}),
        origins=(),
        jwks=None,
        needs_dpop=False,
        secret_digest=b"c" * 32,
        last_used_at=None,
        revoked_at=None,
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(client, **changes)


def a_source(**changes: Any) -> Source:
    """Return an inbound source of the operator's with the ready rules of Stripe."""
    source = Source(
        id=SourceId(an_id(IdKind.SOURCE)),
        kind=SourceKind.STRIPE,
        reseller_id=None,
        owner_path=ROOT_PATH,
        secrets=(SourceSecret(value=Secret("whsec_1234"), added_at=NOW),),
        rules="stripe_subscriptions",
        version=1,
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(source, **changes)


def an_endpoint(**changes: Any) -> Endpoint:
    """Return an active webhook endpoint of the operator's that gets everything."""
    endpoint = Endpoint(
        id=EndpointId(an_id(IdKind.ENDPOINT)),
        url="https://shop.example/hooks",
        event_types=(),
        signature=SignatureKind.V1,
        description="",
        reseller_id=None,
        owner_path=ROOT_PATH,
        state=EndpointState.ACTIVE,
        disabled_reason=None,
        secrets=(EndpointSecret(value=Secret("whsec_MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0")),),
        public_key=None,
        failing_since=None,
        version=1,
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(endpoint, **changes)


def a_delivery(endpoint: Endpoint, **changes: Any) -> Delivery:
    """Return a delivery to *endpoint* that is due."""
    delivery = Delivery(
        id=DeliveryId(an_id(IdKind.DELIVERY)),
        endpoint_id=endpoint.id,
        event_id=EventId(an_id(IdKind.EVENT)),
        event_type=EventType.LINE_RENEWED,
        resource_id=an_id(IdKind.LINE),
        sequence=1,
        owner_path=endpoint.owner_path,
        state=DeliveryState.PENDING,
        attempts=0,
        next_at=NOW,
        fence=0,
        created_at=NOW,
        ended_at=None,
    )
    return replace(delivery, **changes)


def an_attempt(delivery: Delivery, **changes: Any) -> Attempt:
    """Return an attempt of *delivery* that was answered with 500."""
    attempt = Attempt(
        id=AttemptId(an_id(IdKind.ATTEMPT)),
        delivery_id=delivery.id,
        owner_path=delivery.owner_path,
        at=NOW,
        headers={"webhook-id": delivery.event_id},
        tried=Tried(status=500, fault=None, milliseconds=12, answer="no", is_success=False),
    )
    return replace(attempt, **changes)


def an_inbound_event(source: Source, **changes: Any) -> InboundEvent:
    """Return an event of *source* that nobody has read."""
    event_id = an_id(IdKind.INBOUND_EVENT)
    event = InboundEvent(
        id=InboundEventId(event_id),
        source_id=source.id,
        owner_path=source.owner_path,
        event_id=f"evt_{event_id}",
        type="invoice.paid",
        occurred_at=NOW,
        received_at=NOW,
        payload=b"{}",
    )
    return replace(event, **changes)


def a_subject(source: Source, external_id: str = "order-1", **changes: Any) -> Subject:
    """Return a line as *source* wants it; it wants nothing."""
    subject = Subject(
        id=subject_id(source.id, ResourceKind.LINE, external_id),
        source_id=source.id,
        owner_path=source.owner_path,
        resource=ResourceKind.LINE,
        external_id=external_id,
    )
    return replace(subject, **changes)


def an_asker(**changes: Any) -> Asker:
    """Return an operator who asks with a key."""
    asker = Asker(
        caller_kind="operator",
        caller_id="operator",
        key_id=None,
        ip="127.0.0.1",
        request_id="request-1",
    )
    return replace(asker, **changes)


def an_operation(**changes: Any) -> Operation:
    """Return a prepared creation of some line of the operator's on `a_panel()`."""
    operation = Operation(
        id=OperationId(an_id(IdKind.OPERATION)),
        kind="line.create",
        state=OperationState.PREPARED,
        resource_id=an_id(IdKind.LINE),
        panel_id=PANEL_ID,
        reseller_id=None,
        owner_path=ROOT_PATH,
        asker=an_asker(),
        attempts=0,
        problem=None,
        request=b"{}",
        desired=None,
        result=None,
        idempotency_id=None,
        sent_at=None,
        settles_at=None,
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(operation, **changes)


def a_drift(**changes: Any) -> Drift:
    """Return an open drift of some line of the operator's on `a_panel()`."""
    drift = Drift(
        id=DriftId(an_id(IdKind.DRIFT)),
        kind=DriftKind.CHANGED,
        resource_id=an_id(IdKind.LINE),
        panel_id=PANEL_ID,
        reseller_id=None,
        owner_path=ROOT_PATH,
        differences=(Difference(field="max_connections", ours=1, theirs=None),),
        first_seen_at=NOW,
        last_seen_at=NOW,
    )
    return replace(drift, **changes)


def an_event(**changes: Any) -> Event:
    """Return the event of some line of the operator's that was changed."""
    event = Event(
        id=EventId(an_id(IdKind.EVENT)),
        type=EventType.LINE_UPDATED,
        resource_id=an_id(IdKind.LINE),
        panel_id=PANEL_ID,
        reseller_id=None,
        owner_path=ROOT_PATH,
        at=NOW,
        data={"id": "line_x"},
    )
    return replace(event, **changes)


def an_audit_entry(**changes: Any) -> AuditEntry:
    """Return the entry of a change that the operator began."""
    entry = AuditEntry(
        id=AuditEntryId(an_id(IdKind.AUDIT_ENTRY)),
        sequence=None,
        phase=Phase.STARTED,
        action="line.create",
        operation_id=an_id(IdKind.OPERATION),
        reseller_id=None,
        owner_path=ROOT_PATH,
        asker=an_asker(),
        resource_id=an_id(IdKind.LINE),
        before=None,
        after={"username": "someone"},
        code=None,
        panel_call_digest=None,
        at=NOW,
    )
    return replace(entry, **changes)


def a_kept_answer(**changes: Any) -> KeptAnswer:
    """Return a stored result of the operator's."""
    answer = KeptAnswer(
        id=secrets.token_hex(16),
        owner="operator",
        key=f"key-{next(_numbers)}",
        digest="k1:00",
        action="key.issue",
        operation_id=None,
        result=b'{"id":"1"}',
        created_at=NOW,
    )
    return replace(answer, **changes)


def a_document(**changes: Any) -> TrustedDocument:
    """Return a trusted document of the operator's; its id is that of its text."""
    text = changes.get("text", f"query Q{next(_numbers)} {{ me {{ kind }} }}")
    document = TrustedDocument(
        id=document_id_of(text),
        entry_id=an_id(IdKind.DOCUMENT),
        text=text,
        reseller_id=None,
        owner_path=ROOT_PATH,
        created_at=NOW,
    )
    return replace(document, **changes)


def a_signing_key(**changes: Any) -> SigningKey:
    """Return a key that signs from `NOW` on; its private half is made up."""
    number = next(_numbers)
    key = SigningKey(
        id=f"kid-{number}",
        number=number,
        alg="ES256",
        private_jwk=Secret('{"kty":"EC","d":"secret"}'),
        created_at=NOW,
        used_from=NOW,
    )
    return replace(key, **changes)
