"""The functions that WHMCS calls, called as WHMCS does."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.examples.conftest import BILLING, Billing, months_between
from tests.servers.programs import run_program

RUNNER = Path(__file__).with_name("whmcs.php")
MODULE = BILLING / "xtreamgateway.php"
CALLED = (
    *("CreateAccount", "SuspendAccount", "UnsuspendAccount", "TerminateAccount"),
    *("Renew", "ChangePassword", "TestConnection", "MetaData", "ConfigOptions"),
)


def tables(paid: int | None) -> dict[str, list[dict[str, Any]]]:
    """Return what WHMCS has of invoices, *paid* being the one of service 4711 that was paid last.

    Beside it: an earlier one, one that is not paid, one of another service, and one for a domain.
    """
    invoices = [
        {"id": 7, "status": "Paid", "datepaid": "2026-01-01 00:00:00"},
        {"id": 901, "status": "Unpaid", "datepaid": "0000-00-00 00:00:00"},
        {"id": 902, "status": "Paid", "datepaid": "2027-12-31 00:00:00"},
        {"id": 903, "status": "Paid", "datepaid": "2027-12-31 00:00:00"},
    ]
    items = [
        {"invoiceid": 901, "type": "Hosting", "relid": 4711},
        {"invoiceid": 902, "type": "Hosting", "relid": 4712},
        {"invoiceid": 903, "type": "DomainRegister", "relid": 4711},
    ]
    if paid is not None:
        invoices.append({"id": paid, "status": "Paid", "datepaid": "2027-01-31 12:00:00"})
        items += [{"invoiceid": id, "type": "Hosting", "relid": 4711} for id in (7, paid)]
    return {"tblinvoices": invoices, "tblinvoiceitems": items}


async def whmcs(
    billing: Billing, function: str, *, paid: int | None = 99, module: Path = MODULE, **params: Any
) -> dict[str, Any]:
    """Call one function; return what it answered and what it kept with the service."""
    parts = urlsplit(billing.url)
    given = {
        "serviceid": 4711,
        "configoption1": "P1M",
        "configoption2": "1, 2",
        "configoption3": "2",
        "serverhostname": parts.hostname,
        "serverport": str(parts.port),
        "serversecure": False,
        "serverpassword": billing.world.a.api.key,
    } | params
    situation = json.dumps({"params": given, "tables": tables(paid)})
    done = await billing.run(RUNNER, function, situation, MODULE=str(module))
    assert (done.code, done.complaints) == (0, "")
    found: dict[str, Any] = json.loads(done.output)
    return found


async def test_a_service_is_sold_renewed_stopped_and_ended(billing: Billing) -> None:
    assert (await whmcs(billing, "TestConnection"))["answer"] == {"success": True, "error": ""}
    made = await whmcs(billing, "CreateAccount")
    (row,) = billing.world.users()
    assert made == {
        "answer": "success",
        "kept": {"Username": row["username"], "Password": row["password"]},
    }
    (line,) = await billing.lines()
    assert (line["external_id"], line["max_connections"]) == ("whmcs:4711", 2)
    assert line["bouquet_ids"] == [1, 2]
    before = await billing.expiry()
    for paid in (100, 101, 101):
        assert (await whmcs(billing, "Renew", paid=paid))["answer"] == "success"
    assert months_between(before, await billing.expiry()) == 2
    for function, state in (
        ("SuspendAccount", "suspended"),
        ("UnsuspendAccount", "active"),
        ("TerminateAccount", "terminated"),
    ):
        assert (await whmcs(billing, function))["answer"] == "success"
        assert [each["state"] for each in await billing.lines()] == [state]


async def test_the_invoice_that_was_paid_last_is_meant(billing: Billing) -> None:
    line = (await billing.create())["line"]
    await whmcs(billing, "Renew", paid=100)
    headers = {"Idempotency-Key": "whmcs:service-4711:renew:invoice-100"}
    body = {"period": "P1M", "reference": "whmcs:invoice-100"}
    path = f"/v1/lines/{line['id']}/renew"
    again = await billing.world.a.api.post(path, body, headers=headers)
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_the_folder_works_where_it_is_copied_to(billing: Billing, tmp_path: Path) -> None:
    home = tmp_path / "modules" / "servers" / "xtreamgateway"
    shutil.copytree(BILLING, home)
    made = await whmcs(billing, "CreateAccount", module=home / "xtreamgateway.php")
    assert made["answer"] == "success"
    assert len(billing.world.users()) == 1


async def test_a_password_that_whmcs_made_is_set_and_kept(billing: Billing) -> None:
    await billing.create()
    changed = await whmcs(billing, "ChangePassword", password="aB3dE6gH9k")
    (row,) = billing.world.users()
    assert (changed["answer"], row["password"]) == ("success", "aB3dE6gH9k")
    assert changed["kept"]["Password"] == "aB3dE6gH9k"


async def test_a_failure_is_one_sentence_for_the_staff(billing: Billing) -> None:
    missing = await whmcs(billing, "SuspendAccount")
    assert missing["answer"] == "Failed: The gateway has no line whmcs:4711. [not_found]"
    refused = await whmcs(billing, "TestConnection", serverpassword="xgw_wrong")
    assert refused["answer"]["success"] is False
    assert refused["answer"]["error"].startswith("Failed: ")
    assert "xgw_wrong" not in refused["answer"]["error"]


async def test_a_gift_without_an_invoice_is_made_once(billing: Billing) -> None:
    first = await whmcs(billing, "CreateAccount", paid=None)
    assert await whmcs(billing, "CreateAccount", paid=None) == first
    assert len(billing.world.users()) == 1


async def test_the_module_does_nothing_outside_of_whmcs(php: Path) -> None:
    done = await run_program(str(php), str(MODULE), cwd=BILLING, environment={})
    assert done.output == "This file cannot be accessed directly"


def test_it_has_every_function_that_its_guide_names() -> None:
    text = MODULE.read_text(encoding="utf-8")
    assert [name for name in CALLED if f"function xtreamgateway_{name}(" not in text] == []
