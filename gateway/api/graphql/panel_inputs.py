"""What is sent of panels. A public contract, written out by hand."""

from __future__ import annotations

import strawberry

from gateway.api.graphql.describe import about, given
from gateway.api.graphql.enums import CreditMode, SuspendBy


@strawberry.input(description="How a panel's certificate is checked.")
class PanelTlsInput:
    """How a panel's certificate is checked."""

    verify: bool | None = given("Whether it is checked; left out at first: yes.")
    ca_pem: str | None = given("An authority of its own.")


@strawberry.input(description="How many calls in a row a panel's flood guard lets through.")
class FloodGuardInput:
    """A panel's flood guard."""

    calls: int | None = given("So many in a row, then a pause; left out at first: 30.")
    gap_seconds: float | None = given("Calls closer than this are in a row; left out at first: 2.")


@strawberry.input(description="What the gateway may ask of a panel.")
class PanelBudgetInput:
    """What the gateway may ask of a panel."""

    calls_per_second: float | None = given("On average; left out at first: 5.")
    burst: int | None = given("At once after a rest; left out at first: 5.")
    in_flight: int | None = given("Under way at the same time; left out at first: 4.")
    flood_guard: FloodGuardInput | None = given("The panel's guard; null: it has none.")


@strawberry.input(description="A group of channels.")
class PanelBouquetInput:
    """A group of channels."""

    id: int = about("The panel's number of it.")
    name: str = about("Its name.")


@strawberry.input(description="A panel to add. It is not asked anything yet: probe it next.")
class CreatePanelInput:
    """A panel to add."""

    name: str = about("Its name.")
    dialect: str | None = given("How it speaks; left out: `xtream_v2`.")
    base_url: str = about("Where it is: http(s)://host[:port][/path].")
    api_pass: str | None = given("The key it wants; never shown again.")
    tls: PanelTlsInput | None = given("How its certificate is checked.")
    budget: PanelBudgetInput | None = given("What may be asked of it.")
    settle_seconds: int | None = given(
        "How long a change without an answer may still take effect; seconds."
    )
    suspend_by: SuspendBy | None = given("How its lines are suspended; null: as the probe says.")
    credit_mode: CreditMode | None = given("Who keeps the resellers' balance.")
    bouquets: list[PanelBouquetInput] | None = given("Its groups of channels.")
    extra_columns: list[str] | None = given("Columns that its owner added.")


@strawberry.input(description="What to change of a panel; what is left out stays.")
class UpdatePanelInput:
    """What to change of a panel."""

    id: strawberry.ID = about("Which panel.")
    name: str | None = given("Its name.")
    base_url: str | None = given("Where it is: http(s)://host[:port][/path].")
    api_pass: str | None = given("The key it wants; null: none.")
    tls: PanelTlsInput | None = given("Members to change of how its certificate is checked.")
    budget: PanelBudgetInput | None = given("Members to change of what may be asked of it.")
    settle_seconds: int | None = given(
        "How long a change without an answer may still take effect; seconds."
    )
    suspend_by: SuspendBy | None = given("How its lines are suspended; null: as the probe says.")
    bouquets: list[PanelBouquetInput] | None = given("Its groups of channels, all of them.")
    extra_columns: list[str] | None = given("Columns that its owner added, all of them.")
    creates_devices: bool | None = given("True: ask it for devices again.")


@strawberry.input(description="Which panel to probe.")
class ProbePanelInput:
    """Which panel to probe."""

    id: strawberry.ID = about("Which panel.")
