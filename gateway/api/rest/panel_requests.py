"""What is sent of panels."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, Strict

from gateway.api.rest.faults import wrong
from gateway.api.rest.lists import Listed, distinct
from gateway.api.rest.patterns import Documented
from gateway.api.rest.query import PageQuery
from gateway.api.rest.wire import ColumnName, FreeText, Name, Patch, Wire, example
from gateway.domain.ids import IdKind
from gateway.domain.panels import (
    Bouquet,
    Budget,
    CreditMode,
    FloodGuard,
    NewPanel,
    PanelChanges,
    SuspendBy,
    Tls,
)
from gateway.domain.secrets import Secret


def _base_url(text: str) -> str:
    """Accept `http(s)://host[:port][/path]` and cut the trailing slash."""
    try:
        parts = urlsplit(text)
        usable = (
            parts.scheme in {"http", "https"}
            and bool(parts.hostname)
            and parts.port != 0
            and "@" not in parts.netloc
            and text.isascii()
            and text.isprintable()
            and not any(character in text for character in ' ?#\\"<>')
        )
    except ValueError:
        usable = False
    if not usable:
        raise wrong("bad_format", "This must be http(s)://host[:port][/path], without a password.")
    return text.rstrip("/")


def _bouquets(bouquets: tuple[BouquetIn, ...]) -> tuple[BouquetIn, ...]:
    distinct(tuple(bouquet.id for bouquet in bouquets))
    return bouquets


BaseUrl = Annotated[
    str,
    Field(max_length=500),
    AfterValidator(_base_url),
    Documented({"format": "uri", "pattern": "^https?://"}),
]
ApiPass = Annotated[FreeText, Field(min_length=1)]
Dialect = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Rate = Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=10_000)]
Seconds = Annotated[int, Field(ge=1, le=86_400)]


class TlsIn(Wire):
    """How the panel's certificate is checked. `ca_pem`: own authority."""

    verify: bool = True
    ca_pem: Annotated[str, Field(max_length=50_000)] | None = None


class FloodGuardIn(Wire):
    """At most `calls` in a row with gaps under `gap_seconds`; then a longer pause."""

    calls: Count = 30
    gap_seconds: Rate = 2.0


class BudgetIn(Wire):
    """What the gateway may ask of the panel."""

    calls_per_second: Rate = 5.0
    burst: Count = 5
    in_flight: Count = 4
    flood_guard: FloodGuardIn | None = FloodGuardIn()


class TlsPatch(Patch):
    """Members of tls to change."""

    verify: bool = True
    ca_pem: Annotated[str, Field(max_length=50_000)] | None = None


class FloodGuardPatch(Patch):
    """Members of the flood guard to change."""

    calls: Count = 30
    gap_seconds: Rate = 2.0


class BudgetPatch(Patch):
    """Members of the budget to change."""

    calls_per_second: Rate = 5.0
    burst: Count = 5
    in_flight: Count = 4
    flood_guard: FloodGuardPatch | None = None


class BouquetIn(Wire):
    """A group of channels; `id` is the panel's."""

    id: Annotated[int, Field(gt=0, lt=2**31)]
    name: Name


Bouquets = Annotated[
    tuple[BouquetIn, ...],
    Listed(5_000),
    AfterValidator(_bouquets),
]
Columns = Annotated[tuple[ColumnName, ...], Listed(50)]


class PanelCreate(Wire):
    """A panel to add. `settle_seconds` absent: the gateway's setting."""

    model_config = example(
        name="Main",
        dialect="xtream_v2",
        base_url="http://10.0.0.5:25461",
        bouquets=[{"id": 1, "name": "Basic"}],
    )

    name: Name
    dialect: Dialect = "xtream_v2"
    base_url: BaseUrl
    api_pass: Annotated[ApiPass | None, Field(repr=False)] = None
    tls: TlsIn = TlsIn()
    budget: BudgetIn = BudgetIn()
    settle_seconds: Seconds | None = None
    suspend_by: Annotated[SuspendBy | None, Strict(strict=False)] = None
    credit_mode: Annotated[CreditMode, Strict(strict=False)] = CreditMode.LEDGER
    bouquets: Bouquets = ()
    extra_columns: Columns = ()

    def to_new_panel(self) -> NewPanel:
        """Return what the caller asks for, in the services' words."""
        return NewPanel(
            name=self.name,
            dialect=self.dialect,
            base_url=self.base_url,
            api_pass=None if self.api_pass is None else Secret(self.api_pass),
            tls=Tls(**dict(self.tls)),
            budget=_budget(dict(self.budget)),
            settle_seconds=self.settle_seconds,
            suspend_by=self.suspend_by,
            credit_mode=self.credit_mode,
            bouquets=_domain_bouquets(self.bouquets),
            extra_columns=self.extra_columns,
        )


class PanelPatch(Patch):
    """What may change of a panel; `tls` and `budget` merge member by member."""

    model_config = example(budget={"calls_per_second": 10})

    name: Name = ""
    base_url: BaseUrl = ""
    api_pass: Annotated[ApiPass | None, Field(repr=False)] = None
    tls: TlsPatch = TlsPatch()
    budget: BudgetPatch = BudgetPatch()
    settle_seconds: Seconds = 300
    suspend_by: Annotated[SuspendBy | None, Strict(strict=False)] = None
    bouquets: Bouquets = ()
    extra_columns: Columns = ()
    creates_devices: bool = True

    def to_changes(self) -> PanelChanges:
        """Return what is to change, in the services' words."""
        given = self.given()
        if given.get("api_pass") is not None:
            given["api_pass"] = Secret(given["api_pass"])
        if "bouquets" in given:
            given["bouquets"] = _domain_bouquets(self.bouquets)
        if "tls" in given:
            given["tls"] = self.tls.given()
        if "budget" in given:
            given["budget"] = _budget_changes(self.budget)
        return PanelChanges(**given)


class PanelQuery(PageQuery):
    """Which panels to list."""

    kind: ClassVar[IdKind] = IdKind.PANEL


def _budget(members: dict[str, Any]) -> Budget:
    guard: FloodGuardIn | None = members["flood_guard"]
    return Budget(**members | {"flood_guard": None if guard is None else FloodGuard(**dict(guard))})


def _budget_changes(patch: BudgetPatch) -> dict[str, Any]:
    given = patch.given()
    if patch.flood_guard is not None:
        given["flood_guard"] = patch.flood_guard.given()
    return given


def _domain_bouquets(bouquets: tuple[BouquetIn, ...]) -> tuple[Bouquet, ...]:
    return tuple(Bouquet(id=each.id, name=each.name) for each in bouquets)
