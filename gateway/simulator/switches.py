"""What may differ from panel to panel, as one value; a profile is a set of such switches.

Names and values come from JSON (`--set NAME=JSON`, `POST /switches`) and are checked here.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias, get_type_hints

import msgspec

from gateway.simulator.coercion import Column

Profile: TypeAlias = Literal["documented", "v2", "v2-strict", "hardened", "xui"]
SqlMode: TypeAlias = Literal["strict", "non-strict"]
CaseRule: TypeAlias = Literal["either", "both exact", "none"]
BanStyle: TypeAlias = Literal["drop", "silent"]
Distribution: TypeAlias = Literal["uniform", "normal", "exponential", "lognormal"]

ANY_SOURCE: Final = "*"
RESERVED_PROFILES: Final = {"xui": "The second dialect is not simulated yet."}


class UnknownSwitch(ValueError):
    """A switch or profile that does not exist, or a value that it cannot have."""


class RateLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The web server's limit for one caller address."""

    per_second: float = 20
    burst: int = 8


class Latency(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Seconds every request takes: *base*, and a random part that *spread* sizes.

    `uniform`: 0 to spread. `normal`: spread is the standard deviation. `exponential`: spread is
    the mean. `lognormal`: spread is the median, with a long tail. Never less than 0 in all.
    """

    base: float = 0
    spread: float = 0
    distribution: Distribution = "uniform"

    def drawn(self, source: random.Random) -> float:
        """Return how long one request takes."""
        match self.distribution:
            case "normal":
                part = source.gauss(0, self.spread)
            case "exponential":
                part = source.expovariate(1 / self.spread) if self.spread else 0
            case "lognormal":
                part = self.spread * source.lognormvariate(0, 1)
            case _:
                part = self.spread * source.random()
        return max(0.0, self.base + part)


class ExtraColumn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A `users` column that an operator added."""

    name: str
    type: Literal["int32", "int8", "text"] = "text"
    default: int | str | None = None
    length: int | None = None

    def as_column(self) -> Column:
        """Return the column for the table."""
        nullable = self.default is None
        return Column(self.name, self.type, self.default, self.length, nullable=nullable)


_AT_ONCE: Final = Latency()


@dataclass(frozen=True)
class Switches:
    """Every switch with its default in profile `v2`."""

    profile: Profile = "v2"
    sql_mode: SqlMode = "non-strict"
    api_pass: str = ""
    api_ips: str = ""
    trusted_ips: tuple[str, ...] = ("127.0.0.1", "::1")
    """Allowed like the panel's own servers, which are added to them; "*" is any source."""
    firewall: bool = False
    firewall_daemon: bool = True
    """Whether tokens come and go by themselves; off, they stay as they were set."""
    firewall_token_pass: float = 3
    firewall_sweep: float = 800
    """The age beyond which a sweep removes a token."""
    firewall_sweep_every: float = 60
    firewall_blacklist_seconds: float = 600
    """How often the black list is emptied."""
    flood: bool = False
    flood_limit: int = 40
    flood_seconds: float = 2
    flood_exclude: tuple[str, ...] = ()
    ban_style: BanStyle = "drop"
    """What a flooding caller meets then: no connection at all, or one that stays silent."""
    ban_seconds: float | None = None
    """How long a flood ban lasts; None: until it is lifted."""
    rate_limit: RateLimit | None = None
    new_sorting_bouquet: int = 1
    case_rule: CaseRule = "either"
    percent_on_edit: bool = True
    mag_security: int = 1
    created_id_type: Literal["int", "string"] = "int"
    number_types: Literal["string", "native"] = "string"
    hide_php_warnings: bool = False
    exists_rule: Literal["pair", "username"] = "pair"
    past_exp_404: bool = False
    output_cache_seconds: float = 0
    settings_lag_seconds: float = 0
    extra_columns: tuple[ExtraColumn, ...] = ()
    latency: Latency = _AT_ONCE
    workers: int | None = None
    """How many requests are handled at once; the rest wait. None: all."""
    scheduler: Literal["free", "seeded"] = "free"
    """Who runs next: whoever the event loop takes, or one at a time, drawn from the seed."""
    database: Literal["up", "down", "auth_refused"] = "up"
    config: Literal["present", "missing"] = "present"
    php: Literal["up", "down"] = "up"
    """The PHP workers behind the web server."""

    @property
    def strict(self) -> bool:
        """Whether the database refuses what does not fit."""
        return self.sql_mode == "strict"

    def columns(self) -> tuple[Column, ...]:
        """Return the added `users` columns."""
        return tuple(extra.as_column() for extra in self.extra_columns)


_V2: Final = Switches()
PROFILES: Final[dict[str, Switches]] = {
    "documented": replace(_V2, profile="documented", exists_rule="username", percent_on_edit=False),
    "v2": _V2,
    "v2-strict": replace(_V2, profile="v2-strict", sql_mode="strict"),
    "hardened": replace(
        _V2,
        profile="hardened",
        firewall=True,
        flood=True,
        rate_limit=RateLimit(),
        api_pass="hardened",  # noqa: S106 - a made-up secret of a simulated panel.
        api_ips="127.0.0.1,::1",
        trusted_ips=(),
    ),
}
LAGGING: Final = (
    "api_pass",
    "api_ips",
    "firewall",
    "flood",
    "flood_limit",
    "flood_seconds",
    "flood_exclude",
    "new_sorting_bouquet",
    "mag_security",
)
"""Settings of the panel itself, which work only after `settings_lag_seconds`."""
_KINDS: Final[dict[str, Any]] = get_type_hints(Switches)


def profile(name: str) -> Switches:
    """Return the switches of the profile called *name*."""
    if name in RESERVED_PROFILES:
        raise UnknownSwitch(f"Profile {name}: {RESERVED_PROFILES[name]}")
    if name not in PROFILES:
        raise UnknownSwitch(f"No profile is called {name!r}; there are {', '.join(PROFILES)}.")
    return PROFILES[name]


def changed(switches: Switches, settings: dict[str, Any]) -> Switches:
    """Return *switches* with *settings* over them; a profile among these comes first."""
    settings = dict(settings)
    if "profile" in settings:
        switches = profile(str(settings.pop("profile")))
    return replace(switches, **{name: _value(name, value) for name, value in settings.items()})


def _value(name: str, value: Any) -> Any:  # noqa: ANN401 - JSON in, a field's type out.
    if name not in _KINDS:
        raise UnknownSwitch(f"No switch is called {name!r}.")
    if name == "extra_columns" and isinstance(value, list):
        value = [{"name": item} if isinstance(item, str) else item for item in value]
    if _KINDS[name] == tuple[str, ...] and isinstance(value, str):
        value = [one.strip() for one in value.split(",") if one.strip()]
    if name == "latency" and isinstance(value, int | float):
        value = {"base": value}
    if _KINDS[name] is bool and value in (0, 1, "on", "off"):
        value = value in (1, "on")
    if name == "case_rule" and value in ("both", "both_exact"):
        value = "both exact"
    try:
        return msgspec.convert(value, _KINDS[name], strict=False)
    except msgspec.ValidationError as error:
        raise UnknownSwitch(f"Switch {name}: {error}") from error
