"""The one door: every public service function is an action, and every audited one is watched."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import pytest

import gateway.services
from gateway.services.action import SPEC, ActionSpec

#: Modules whose public functions are what can be done.
NOUNS = (
    "audit",
    "catalog",
    "clients",
    "credit_alerts",
    "credits",
    "deliveries",
    "device_info",
    "devices",
    "documents",
    "drift_sweep",
    "drifts",
    "events",
    "expiry",
    "inbound",
    "inbound_preview",
    "inbound_receiving",
    "inbound_work",
    "keys",
    "line_info",
    "lines",
    "me",
    "operations",
    "panel_news",
    "panels",
    "reconcile",
    "recovery",
    "resellers",
    "signing_keys",
    "storefront_tokens",
    "strays",
    "tokens",
    "watching",
    "webhook_delivery",
    "webhook_mails",
    "webhooks",
)
#: Helpers that other services call behind the door.
BEHIND_THE_DOOR = {
    ("panel_news", "tell_panel"),
    ("credits", "balances_of"),
    ("credits", "accounts_of"),
    ("storefront_tokens", "find_resource"),
    ("webhook_delivery", "new_delivery"),
    ("webhooks", "sender_of"),
    ("webhooks", "tried_of"),
}


def service_functions() -> list[tuple[str, str, object]]:
    found = []
    for noun in NOUNS:
        module = importlib.import_module(f"gateway.services.{noun}")
        for name, value in vars(module).items():
            if name.startswith("_") or getattr(value, "__module__", "") != module.__name__:
                continue
            if inspect.iscoroutinefunction(value) and (noun, name) not in BEHIND_THE_DOOR:
                found.append((noun, name, value))
    return found


@pytest.mark.parametrize(("noun", "name", "function"), service_functions())
def test_a_public_service_function_is_behind_the_door(
    noun: str, name: str, function: object
) -> None:
    spec = getattr(function, SPEC, None)
    assert isinstance(spec, ActionSpec), f"services.{noun}.{name} lacks @action"
    changes = name.split("_", maxsplit=1)[0] in {
        *("create", "change", "renew", "suspend", "resume", "terminate"),
        *("rotate", "issue", "revoke", "probe", "put", "import", "resolve"),
        *("upload", "remove", "set"),
        *("adopt", "enforce", "exchange", "redeliver"),
    }
    assert spec.is_audited == (changes or name == "read_credentials")


def test_names_of_actions_are_unique() -> None:
    names = [getattr(function, SPEC).name for _, _, function in service_functions()]
    assert len(names) == len(set(names))


def test_every_module_with_actions_is_listed() -> None:
    with_actions = set()
    for module in pkgutil.iter_modules(gateway.services.__path__):
        loaded = importlib.import_module(f"gateway.services.{module.name}")
        if any(
            hasattr(value, SPEC) and value.__module__ == loaded.__name__
            for value in vars(loaded).values()
        ):
            with_actions.add(module.name)
    assert with_actions == set(NOUNS)
