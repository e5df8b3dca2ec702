"""The published document holds: whatever it allows or forbids is asked for, as each caller.

Schemathesis writes the requests and judges the answers. `FUZZ_SEED=N` repeats a run, whose seed
stands at the end of what a failure tells.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from gateway.api.rest.table import TABLE
from tests.fuzz.brief import Brief
from tests.fuzz.fuzzer import Effort, Outcome, fuzz
from tests.fuzz.seeded import Account, Seeded

RUN_SECONDS_MAX: Final = 3_600
#: A success takes a line that the panel has and we have not: tests/e2e has them.
IMPORTS: Final = ("POST /v1/devices/import", "POST /v1/lines/import")
#: A success takes an operation that is left to a person: tests/e2e has them.
RESOLVE: Final = "POST /v1/operations/{operation_id}/resolve"
OPERATORS_ONLY: Final = (
    "GET /v1/panels",
    "GET /v1/panels/{panel_id}",
    "PATCH /v1/panels/{panel_id}",
    "PATCH /v1/resellers/{reseller_id}",
    "POST /v1/panels",
    "POST /v1/panels/{panel_id}/probe",
    "POST /v1/resellers",
    "POST /v1/resellers/{reseller_id}/resume",
    "POST /v1/resellers/{reseller_id}/suspend",
)
#: An external id names something of the caller's own: here the other's is another one.
OWN_NAMES: Final = ("put_line", "put_device")

pytestmark = pytest.mark.timeout(RUN_SECONDS_MAX)


def run(
    folder: Path, seeded: Seeded, caller: str, effort: Effort, *options: str, **more: Any
) -> Outcome:
    """Ask as one caller, with ids that lead somewhere."""
    accounts = {"operator": seeded.operator, "a": seeded.a, "b": seeded.b}
    own = accounts[caller]
    brief = Brief(
        ids=own.ids,
        spare=own.spare,
        kept=tuple(account.key_id for account in accounts.values()),
        acts_for=seeded.a.ids["rsl"] if caller == "operator" else "",
        external_id=own.external_id,
        looked_up_by=own.looked_up_by,
        panel_url=seeded.panel_url,
        keep_one_in=effort.keep_one_in,
        first=effort.seed + list(accounts).index(caller),
        **more,
    )
    return fuzz(
        folder,
        f"{seeded.base_url}/openapi.json",
        keys={name: account.key for name, account in accounts.items()},
        caller=caller,
        brief=brief,
        effort=effort,
        options=options,
    )


def secrets_of(account: Account) -> tuple[str, ...]:
    """Return what only its owner may be shown; the panel is everybody's."""
    ids = (text for prefix, text in account.ids.items() if prefix != "pnl")
    return (*ids, account.external_id, *account.looked_up_by.values())


@pytest.mark.parametrize("caller", ["a", "b"])  # What is systematic, a short run asks as `a` only.
def test_a_reseller_gets_what_the_document_says(
    tmp_path: Path, seeded: Seeded, effort: Effort, caller: str
) -> None:
    other = seeded.b if caller == "a" else seeded.a
    out_of_reach = (*IMPORTS, RESOLVE, *OPERATORS_ONLY)
    outcome = run(
        tmp_path / "run",
        seeded,
        caller,
        effort,
        *([] if caller == "a" or effort.is_long else ["--phases", "examples,fuzzing,stateful"]),
        secrets=secrets_of(other),
        out_of_reach=out_of_reach,
    )
    assert outcome.exit_code == 0, outcome.told
    assert outcome.report["operations"]["tested"] == len(TABLE)


def test_an_operator_gets_what_the_document_says(
    tmp_path: Path, seeded: Seeded, effort: Effort
) -> None:
    outcome = run(tmp_path / "run", seeded, "operator", effort, out_of_reach=(*IMPORTS, RESOLVE))
    assert outcome.exit_code == 0, outcome.told
    assert outcome.report["operations"]["tested"] == len(TABLE)


def test_what_is_another_resellers_is_unknown_whatever_is_asked_of_it(
    tmp_path: Path, seeded: Seeded, effort: Effort
) -> None:
    before = things_of(seeded)
    outcome = run(
        tmp_path / "run",
        seeded,
        "b",
        effort,
        *("--include-path-regex", r"\{\w+_id\}"),
        *(word for name in OWN_NAMES for word in ("--exclude-operation-id", name)),
        foreign=seeded.a.ids,
        foreign_external_id=seeded.a.external_id,
        secrets=secrets_of(seeded.a),
    )
    assert outcome.exit_code == 0, outcome.told
    with_ids = [route for route in TABLE if "{" in route.path and route.name not in OWN_NAMES]
    assert outcome.report["operations"]["tested"] == len(with_ids)
    assert things_of(seeded) == before


def things_of(seeded: Seeded) -> list[dict[str, Any]]:
    """Return all of A's things as A and the panel see them, without what reading changes."""
    ids = seeded.a.ids
    found = [
        seeded.get(seeded.a, path)
        for path in (
            f"/v1/lines/{ids['line']}",
            f"/v1/devices/{ids['dev']}",
            f"/v1/operations/{ids['op']}",
            f"/v1/keys/{ids['key']}",
            f"/v1/clients/{ids['cli']}",
            f"/v1/inbound-sources/{ids['src']}",
            f"/v1/webhook-endpoints/{ids['whe']}",
            f"/v1/resellers/{ids['rsl']}",
        )
    ]
    for thing in found:
        thing.pop("observed", None)
        thing.pop("last_used_at", None)
    return [*found, seeded.panel_row(seeded.a.looked_up_by["username"])]
