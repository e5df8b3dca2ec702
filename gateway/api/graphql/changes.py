"""The table of mutations: everything that REST can write, under GraphQL's names."""

from __future__ import annotations

from typing import Final

from gateway.api.graphql import device_inputs, line_inputs, panel_inputs
from gateway.api.graphql.clients import (
    Client,
    CreateClientInput,
    RevokeClientInput,
    RotateClientSecretInput,
    UpdateClientInput,
)
from gateway.api.graphql.credits import CreditsThreshold, SetCreditsThresholdInput
from gateway.api.graphql.deliveries import (
    Delivery,
    RecoverWebhookEndpointInput,
    RedeliverDeliveryInput,
    WebhookRecovery,
)
from gateway.api.graphql.devices import Device
from gateway.api.graphql.documents import (
    RemovedDocument,
    RemoveTrustedDocumentInput,
    UploadedDocuments,
    UploadTrustedDocumentsInput,
)
from gateway.api.graphql.drifts import (
    AdoptDeviceDriftInput,
    AdoptLineDriftInput,
    EnforceDeviceDriftInput,
    EnforceLineDriftInput,
)
from gateway.api.graphql.inbound import (
    CreateInboundSourceInput,
    InboundPreview,
    InboundSource,
    PreviewInboundEventInput,
    RemovedInboundSource,
    RemoveInboundSourceInput,
    RotateInboundSecretInput,
    UpdateInboundSourceInput,
)
from gateway.api.graphql.keys import IssueKeyInput, Key, RevokeKeyInput
from gateway.api.graphql.lines import Line
from gateway.api.graphql.mutations import Mutation
from gateway.api.graphql.operations import Operation, ResolveOperationInput
from gateway.api.graphql.panels import Panel, Probe
from gateway.api.graphql.resellers import (
    CreateResellerInput,
    Reseller,
    ResumeResellerInput,
    SuspendResellerInput,
    UpdateResellerInput,
)
from gateway.api.graphql.webhooks import (
    CreateWebhookEndpointInput,
    RemovedWebhookEndpoint,
    RemoveWebhookEndpointInput,
    RotateWebhookSecretInput,
    TestWebhookEndpointInput,
    UpdateWebhookEndpointInput,
    WebhookEndpoint,
    WebhookTest,
)
from gateway.api.rest import (
    clients,
    deliveries,
    devices,
    documents,
    drifts,
    inbound,
    keys,
    lines,
    operations,
    panels,
    resellers,
    webhooks,
)
from gateway.api.rest import credits as credits_
from gateway.api.rest.routing import Route

#: A change of a panel is sent, and then read back; a create may look first.
_CHANGE: Final = 2
_CREATE: Final = 3
_PASSWORD: Final = ("password", "password")


def _line(
    name: str, route: Route, takes: type, *, calls: int = _CHANGE, password: bool = False
) -> Mutation:
    return Mutation(
        name=name,
        route=route,
        takes=takes,
        noun="line",
        shown=Line,
        secret=_PASSWORD if password else None,
        panel_calls=calls,
    )


def _device(name: str, route: Route, takes: type, *, calls: int = _CHANGE) -> Mutation:
    return Mutation(
        name=name, route=route, takes=takes, noun="device", shown=Device, panel_calls=calls
    )


def _reseller(name: str, route: Route, takes: type) -> Mutation:
    return Mutation(name=name, route=route, takes=takes, noun="reseller", shown=Reseller)


def _panel(name: str, route: Route, takes: type) -> Mutation:
    return Mutation(name=name, route=route, takes=takes, noun="panel", shown=Panel)


def _client(name: str, route: Route, takes: type, *, secret: bool = False) -> Mutation:
    return Mutation(
        name=name,
        route=route,
        takes=takes,
        noun="client",
        shown=Client,
        secret=("client_secret", "client_secret") if secret else None,
    )


def _source(name: str, route: Route, takes: type) -> Mutation:
    return Mutation(name=name, route=route, takes=takes, noun="source", shown=InboundSource)


def _endpoint(name: str, route: Route, takes: type, *, secret: bool = False) -> Mutation:
    return Mutation(
        name=name,
        route=route,
        takes=takes,
        noun="endpoint",
        shown=WebhookEndpoint,
        secret=("secret", "secret") if secret else None,
    )


MUTATIONS: Final[tuple[Mutation, ...]] = (
    _line(
        "createLine", lines.create_line, line_inputs.CreateLineInput, calls=_CREATE, password=True
    ),
    _line("putLine", lines.put_line, line_inputs.PutLineInput, calls=_CREATE, password=True),
    _line("updateLine", lines.change_line, line_inputs.UpdateLineInput),
    _line("renewLine", lines.renew_line, line_inputs.RenewLineInput, calls=_CREATE),
    _line("suspendLine", lines.suspend_line, line_inputs.SuspendLineInput),
    _line("resumeLine", lines.resume_line, line_inputs.ResumeLineInput),
    _line("terminateLine", lines.terminate_line, line_inputs.TerminateLineInput),
    _line(
        "rotateLinePassword",
        lines.rotate_line_password,
        line_inputs.RotateLinePasswordInput,
        password=True,
    ),
    _line("lookupLine", lines.look_up_line, line_inputs.LookupLineInput, calls=1),
    _line("importLine", lines.import_line, line_inputs.ImportLineInput, calls=1),
    _line("adoptLineDrift", drifts.adopt_line_drift, AdoptLineDriftInput, calls=0),
    _line("enforceLineDrift", drifts.enforce_line_drift, EnforceLineDriftInput),
    _device("createDevice", devices.create_device, device_inputs.CreateDeviceInput, calls=_CREATE),
    _device("putDevice", devices.put_device, device_inputs.PutDeviceInput, calls=_CREATE),
    _device("updateDevice", devices.change_device, device_inputs.UpdateDeviceInput),
    _device("renewDevice", devices.renew_device, device_inputs.RenewDeviceInput, calls=_CREATE),
    _device("suspendDevice", devices.suspend_device, device_inputs.SuspendDeviceInput),
    _device("resumeDevice", devices.resume_device, device_inputs.ResumeDeviceInput),
    _device("terminateDevice", devices.terminate_device, device_inputs.TerminateDeviceInput),
    _device("importDevice", devices.import_device, device_inputs.ImportDeviceInput, calls=1),
    _device("adoptDeviceDrift", drifts.adopt_device_drift, AdoptDeviceDriftInput, calls=0),
    _device("enforceDeviceDrift", drifts.enforce_device_drift, EnforceDeviceDriftInput),
    _reseller("createReseller", resellers.create_reseller, CreateResellerInput),
    _reseller("updateReseller", resellers.change_reseller, UpdateResellerInput),
    _reseller("suspendReseller", resellers.suspend_reseller, SuspendResellerInput),
    _reseller("resumeReseller", resellers.resume_reseller, ResumeResellerInput),
    _panel("createPanel", panels.create_panel, panel_inputs.CreatePanelInput),
    _panel("updatePanel", panels.change_panel, panel_inputs.UpdatePanelInput),
    Mutation(
        name="probePanel",
        route=panels.probe_panel,
        takes=panel_inputs.ProbePanelInput,
        noun="probe",
        shown=Probe,
        panel_calls=3,
    ),
    Mutation(
        name="setCreditsThreshold",
        route=credits_.set_credits_threshold,
        takes=SetCreditsThresholdInput,
        noun="threshold",
        shown=CreditsThreshold,
    ),
    Mutation(
        name="issueKey",
        route=keys.issue_key,
        takes=IssueKeyInput,
        noun="key",
        shown=Key,
        secret=("key", "secret"),
    ),
    Mutation(
        name="revokeKey",
        route=keys.revoke_key,
        takes=RevokeKeyInput,
        endpoint=keys.revoked_key,
        noun="key",
        shown=Key,
    ),
    _client("createClient", clients.create_client, CreateClientInput, secret=True),
    _client("updateClient", clients.change_client, UpdateClientInput),
    _client(
        "rotateClientSecret", clients.rotate_client_secret, RotateClientSecretInput, secret=True
    ),
    Mutation(
        name="revokeClient",
        route=clients.revoke_client,
        takes=RevokeClientInput,
        endpoint=clients.revoked_client,
        noun="client",
        shown=Client,
    ),
    _endpoint(
        "createWebhookEndpoint",
        webhooks.create_webhook_endpoint,
        CreateWebhookEndpointInput,
        secret=True,
    ),
    _endpoint(
        "updateWebhookEndpoint", webhooks.change_webhook_endpoint, UpdateWebhookEndpointInput
    ),
    _endpoint(
        "rotateWebhookSecret",
        webhooks.rotate_webhook_secret,
        RotateWebhookSecretInput,
        secret=True,
    ),
    Mutation(
        name="testWebhookEndpoint",
        route=webhooks.try_webhook_endpoint,
        takes=TestWebhookEndpointInput,
        noun="test",
        shown=WebhookTest,
    ),
    Mutation(
        name="recoverWebhookEndpoint",
        route=deliveries.recover_webhook_endpoint,
        takes=RecoverWebhookEndpointInput,
        noun="recovery",
        shown=WebhookRecovery,
    ),
    Mutation(
        name="redeliverDelivery",
        route=deliveries.redeliver,
        takes=RedeliverDeliveryInput,
        noun="delivery",
        shown=Delivery,
    ),
    Mutation(
        name="removeWebhookEndpoint",
        route=webhooks.remove_webhook_endpoint,
        takes=RemoveWebhookEndpointInput,
        endpoint=webhooks.removed_endpoint,
        noun="removed",
        shown=RemovedWebhookEndpoint,
    ),
    _source("createInboundSource", inbound.create_inbound_source, CreateInboundSourceInput),
    _source("updateInboundSource", inbound.change_inbound_source, UpdateInboundSourceInput),
    _source("rotateInboundSecret", inbound.rotate_inbound_secret, RotateInboundSecretInput),
    Mutation(
        name="removeInboundSource",
        route=inbound.remove_inbound_source,
        takes=RemoveInboundSourceInput,
        endpoint=inbound.removed_source,
        noun="removed",
        shown=RemovedInboundSource,
    ),
    Mutation(
        name="previewInboundEvent",
        route=inbound.preview_inbound_event,
        takes=PreviewInboundEventInput,
        noun="preview",
        shown=InboundPreview,
        panel_calls=1,
    ),
    Mutation(
        name="resolveOperation",
        route=operations.resolve_operation,
        takes=ResolveOperationInput,
        noun="operation",
        shown=Operation,
    ),
    Mutation(
        name="uploadTrustedDocuments",
        route=documents.upload_documents,
        takes=UploadTrustedDocumentsInput,
        noun="uploaded",
        shown=UploadedDocuments,
    ),
    Mutation(
        name="removeTrustedDocument",
        route=documents.remove_document,
        takes=RemoveTrustedDocumentInput,
        endpoint=documents.removed_document,
        noun="removed",
        shown=RemovedDocument,
    ),
)
