"""Every setting: its variable, default, unit and sentence. Read once, frozen, handed around.

Sources, the first wins: environment variables `GATEWAY_*` (nested with `__`), the same names with
`_FILE` (a file that holds the value), the YAML file named by `GATEWAY_CONFIG_FILE`, defaults.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from gateway.domain.documents import DocumentsMode
from gateway.domain.limits import Rate
from gateway.identity.issuer_settings import IssuerSettings, check_distinct
from gateway.webhooks.mail_settings import SmtpSettings
from gateway.webhooks.urls import read_host_port

PREFIX: Final = "GATEWAY_"
NESTED: Final = "__"
_DOCUMENTS_MODE: Final = f"^({'|'.join(DocumentsMode)})$"


def _network(text: str) -> str:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError("must be an address or a network in CIDR form") from None
    return text


def _bind(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65_535:
        raise ValueError("must be host:port")
    return text


def _rate(text: str) -> str:
    Rate.parse(text)
    return text


def _place(text: str) -> str:
    read_host_port(text)
    return text


Network = Annotated[str, AfterValidator(_network)]
Bind = Annotated[str, AfterValidator(_bind)]
RateText = Annotated[str, AfterValidator(_rate)]
Place = Annotated[str, AfterValidator(_place)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class PanelSettings(_Part):
    """Defaults for panels."""

    settle_seconds: int = Field(
        300,
        ge=1,
        le=3_600,
        description="How long a change without an answer may still take effect on a new panel; "
        "seconds.",
    )
    processes: int = Field(
        4,
        ge=1,
        le=1_000,
        description="How many processes share a panel's budget; each keeps to its part of it while "
        "Redis cannot be reached.",
    )


class CacheSettings(_Part):
    """How long info answers are kept."""

    info_ttl_seconds: int = Field(
        60, ge=1, le=3_600, description="Age up to which an info answer is fresh; seconds."
    )
    stale_if_error_seconds: int = Field(
        86_400,
        ge=0,
        le=7 * 86_400,
        description="How much longer it is served, marked stale, while the panel cannot be "
        "reached; seconds.",
    )


class GraphqlSettings(_Part):
    """What may be sent to GraphQL."""

    documents_operator: str = Field(
        "open",
        pattern=_DOCUMENTS_MODE,
        description="What operators' keys may send: any document (logged: telling those that are "
        "not trusted), or trusted ones only.",
    )
    documents_reseller: str = Field(
        "open", pattern=_DOCUMENTS_MODE, description="The same for resellers' keys."
    )
    points_max: int = Field(
        10_000, ge=100, le=1_000_000, description="What one operation may cost; points."
    )
    panel_calls_max: int = Field(
        50, ge=1, le=10_000, description="How often one operation may ask panels."
    )


class LimitSettings(_Part):
    """How much one caller may ask, and how long a request may take to arrive."""

    default: RateText = Field(
        "6000/60",
        description="What each key or client may ask, unless it has a limit of its own; "
        "requests/seconds.",
    )
    reseller: RateText = Field(
        "30000/60",
        description="What all keys and clients of one reseller may ask together; requests/seconds.",
    )
    target: RateText = Field(
        "120/60",
        description="How often one line or device may be written to; requests/seconds.",
    )
    request_seconds: float = Field(
        10.0,
        ge=0.1,
        le=60,
        description="How long a request's headers, and then its body, may take to arrive, and its "
        "answer to be taken; seconds.",
    )


class DriftSettings(_Part):
    """How panels are compared with our records."""

    every_seconds: int = Field(
        86_400,
        ge=0,
        le=30 * 86_400,
        description="How often each line and device is compared with what its panel holds; "
        "seconds, 0: never.",
    )


class WebhookSettings(_Part):
    """Webhook endpoints."""

    endpoints_max: int = Field(
        50,
        ge=1,
        le=1_000,
        description="How many webhook endpoints each reseller may have itself, and the operator.",
    )


class OAuthSettings(_Part):
    """Access tokens."""

    storefront_seconds: int = Field(
        300,
        ge=60,
        le=900,
        description="How long a token for one line or device is good; seconds.",
    )


class Settings(_Part):
    """All settings."""

    database_url: str = Field(
        "sqlite:///var/gateway.db",
        repr=False,
        description="sqlite:///path or postgresql://user@host/name.",
    )
    redis_url: str = Field(
        "",
        repr=False,
        description="redis://host:port/0; empty: a cache inside each process.",
    )
    bind: Bind = Field("127.0.0.1:8080", description="Address of the API; host:port.")
    ops_bind: Bind | None = Field(
        None, description="Address of health and metrics without a key; host:port, empty: none."
    )
    public_url: str = Field(
        "", description="The API's address as callers see it; empty: http:// and bind."
    )
    encryption_keys: SecretStr | None = Field(
        None,
        description="Keys of what is sealed at rest, comma list of id:base64 of 32 bytes; the "
        "first encrypts, all decrypt.",
    )
    trusted_proxies: tuple[Network, ...] = Field(
        (),
        description="Networks whose X-Forwarded-For and Forwarded are believed; comma list.",
    )
    dangerous_webhook_targets: tuple[Place, ...] = Field(
        (),
        description="Places that webhooks may go to though they have private addresses, over http "
        "as well; comma list of host:port, for trying things out.",
    )
    change_deadline_seconds: float = Field(
        20.0,
        gt=0,
        le=60,
        description="How long a request waits for its change before it answers 202; seconds.",
    )
    drain_seconds: float = Field(
        30.0,
        ge=0,
        le=600,
        description="How long a stopping process waits for its changes; seconds.",
    )
    drain_notice_seconds: float = Field(
        1.0,
        ge=0,
        le=60,
        description="How long before that it still serves, while /readyz says draining; seconds.",
    )
    requests_max: int = Field(
        2_000,
        ge=10,
        le=100_000,
        description="How many requests one process has in work at once; more are answered 503.",
    )
    heartbeat_path: str = Field(
        "",
        description="File that is touched every 5 seconds while the workers are well, for a probe; "
        "empty: none.",
    )
    log_format: str = Field(
        "json", pattern="^(json|console)$", description="json, or console for people."
    )
    log_level: str = Field(
        "info", pattern="^(debug|info|warning|error)$", description="Least level that is logged."
    )
    panels: PanelSettings = Field(default_factory=PanelSettings)
    cache: CacheSettings = Field(default_factory=CacheSettings)
    graphql: GraphqlSettings = Field(default_factory=GraphqlSettings)
    drift: DriftSettings = Field(default_factory=DriftSettings)
    webhooks: WebhookSettings = Field(default_factory=WebhookSettings)
    smtp: SmtpSettings = Field(default_factory=SmtpSettings)
    oauth: OAuthSettings = Field(default_factory=OAuthSettings)
    issuers: Annotated[tuple[IssuerSettings, ...], AfterValidator(check_distinct)] = Field(
        (),
        max_length=20,
        description="Foreign issuers whose access tokens are taken, a list in YAML or JSON; "
        "docs/issuers.md tells its members.",
    )
    limits: LimitSettings = Field(default_factory=LimitSettings)

    @property
    def url(self) -> str:
        """Return the public URL without a trailing slash."""
        return (self.public_url or f"http://{self.bind}").rstrip("/")


class SettingsError(Exception):
    """A setting is missing, unknown or wrong; one line for each, without values."""


def environment() -> dict[str, str]:
    """Return the process's variables; the only place that reads them."""
    return dict(os.environ)


class Source(BaseModel):
    """Where each setting came from: dotted name -> words.

    `unknown`: variables that look like settings and are none. They are told, not refused: an
    orchestrator puts names like GATEWAY_PORT into the environment of its own accord.
    """

    origins: dict[str, str] = Field(default_factory=dict)
    unknown: list[str] = Field(default_factory=list)


def load(environ: Mapping[str, str] | None = None) -> tuple[Settings, Source]:
    """Read the settings.

    Args:
        environ: the variables; the process's own where None.

    Raises:
        SettingsError: all faults at once.
    """
    variables = environment() if environ is None else environ
    source = Source()
    values = _from_file(variables.get(f"{PREFIX}CONFIG_FILE"), source)
    for name, text, origin in _variables(variables):
        path = name.lower().split(NESTED)
        if not _is_known(path):
            source.unknown.append(f"{PREFIX}{name}")
            continue
        _put(values, path, _split_lists(path, text))
        source.origins[".".join(path)] = origin
    try:
        return Settings.model_validate(values), source
    except ValidationError as error:
        lines = [
            f"{PREFIX}{NESTED.join(str(p) for p in fault['loc']).upper()}: {fault['msg']}"
            for fault in error.errors(include_input=False, include_url=False)
        ]
        raise SettingsError("\n".join(lines)) from None


def _variables(variables: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Return (name without prefix, value, origin); a file's content loses its last line end."""
    found = []
    # Files first: the plain variable is put over them.
    for variable, text in sorted(variables.items(), key=lambda it: not it[0].endswith("_FILE")):
        name = variable.removeprefix(PREFIX)
        if name in {variable, "CONFIG_FILE"}:
            continue
        if name.endswith("_FILE"):
            content = _read(text, variable).rstrip("\r\n")
            found.append((name.removesuffix("_FILE"), content, f"file in {variable}"))
        else:
            found.append((name, text, variable))
    return found


def _is_known(path: list[str]) -> bool:
    part: type[BaseModel] = Settings
    for name in path[:-1]:
        info = part.model_fields.get(name)
        inner = info.annotation if info else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return False
        part = inner
    return path[-1] in part.model_fields


def _read(path: str, variable: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{variable}: {error.strerror}: {path}") from error
    except UnicodeDecodeError:
        raise SettingsError(f"{variable}: not a text in UTF-8: {path}") from None


def _from_file(path: str | None, source: Source) -> dict[str, Any]:
    if not path:
        return {}
    try:
        values = yaml.safe_load(_read(path, f"{PREFIX}CONFIG_FILE")) or {}
    except yaml.YAMLError:  # Its message quotes the file, which may hold secrets.
        raise SettingsError(f"{PREFIX}CONFIG_FILE: not YAML: {path}") from None
    if not isinstance(values, dict):
        raise SettingsError(f"{PREFIX}CONFIG_FILE: not a mapping: {path}")
    source.origins.update(dict.fromkeys(_flat(values), path))
    return values


def _flat(values: Mapping[str, Any], before: str = "") -> list[str]:
    names: list[str] = []
    for name, value in values.items():
        full = f"{before}{name}"
        names += _flat(value, f"{full}.") if isinstance(value, dict) else [full]
    return names


def _put(values: dict[str, Any], path: list[str], value: object) -> None:
    for part in path[:-1]:
        inner = values.setdefault(part, {})
        values = inner if isinstance(inner, dict) else {}
    values[path[-1]] = value


def _split_lists(path: list[str], text: str) -> object:
    """Return a list as a list, and an empty optional value as absent.

    Raises:
        SettingsError: a list of more than texts is no YAML.
    """
    if path in (["trusted_proxies"], ["dangerous_webhook_targets"], ["smtp", "to"]):
        return [part.strip() for part in text.split(",") if part.strip()]
    if path == ["issuers"]:
        return _yaml(path, text) or []
    if path in (["ops_bind"], ["encryption_keys"], ["smtp", "sender"]) and not text:
        return None
    return text


def _yaml(path: list[str], text: str) -> object:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:  # Its message quotes the text.
        name = PREFIX + NESTED.join(path).upper()
        raise SettingsError(f"{name}: not YAML or JSON.") from None


def shown(settings: Settings, source: Source) -> list[tuple[str, str, str, str]]:
    """Return (variable, value with secrets hidden, origin, description) of every setting."""
    rows: list[tuple[str, str, str, str]] = []

    def walk(part: BaseModel, path: tuple[str, ...]) -> None:
        for name, info in type(part).model_fields.items():
            value, full = getattr(part, name), (*path, name)
            if isinstance(value, BaseModel):
                walk(value, full)
                continue
            variable = PREFIX + NESTED.join(full).upper()
            origin = source.origins.get(".".join(full), "default")
            rows.append((variable, _shown(name, value), origin, info.description or ""))

    walk(settings, ())
    return rows


def _shown(name: str, value: object) -> str:
    if isinstance(value, SecretStr):
        return "***"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if name in {"database_url", "redis_url"} and "@" in str(value):
        scheme, _, rest = str(value).partition("://")
        return f"{scheme}://***@{rest.rpartition('@')[2]}"
    return "" if value is None else str(value)
