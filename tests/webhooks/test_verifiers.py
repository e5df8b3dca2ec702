"""Libraries that are not ours verify what a real worker sent over HTTP, and refuse all else."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest
import standardwebhooks
import svix.webhooks
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.faults.processes import Fleet, until
from tests.servers.npm import NpmProject
from tests.webhooks.catching import Catcher, a_catcher
from tests.webhooks.delivering import an_endpoint_at
from tests.world import a_world

VERIFIERS: Final = Path(__file__).parent / "verifiers"
#: Twice what the specification's libraries tolerate.
STALE_SECONDS: Final = 600
TOLERATED_SECONDS: Final = 300
KINDS: Final = ("v1", "v1a")


@dataclass(frozen=True)
class Received:
    """A request as the receiver got it, and what it verifies with."""

    key: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Batch:
    """What was received of each kind; `stale`: from a worker whose clock is behind."""

    fresh: dict[str, Received]
    stale: dict[str, Received]


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Batch]:
    """What two real workers sent, one with a right clock and one with a slow one."""
    folder = tmp_path_factory.mktemp("verifiers")
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(asyncio.run, _sent(folder)).result()


async def _sent(folder: Path) -> Batch:
    url = f"sqlite:///{folder}/gateway.db"
    async with (
        a_catcher() as catcher,
        a_world(url, dangerous_webhook_targets=(catcher.place,)) as world,
        Fleet.of(world, folder) as fleet,
    ):
        api, only, keys = world.operator, ["reseller.suspended"], {}
        for kind in KINDS:
            path = f"/{kind}"
            made = await an_endpoint_at(api, catcher, path, event_types=only, signature=kind)
            keys[kind] = made["secret"] or made["public_key"]
        got = []
        for ahead in (0, -STALE_SECONDS):
            named = await world.reseller("Zoë ☕")  # A body that is not ASCII.
            await api.ok("POST", f"/v1/resellers/{named.id}/suspend")
            worker = fleet.work(wall_ahead_seconds=ahead)
            await until(_are_caught(catcher, len(KINDS)), worker)
            await worker.stop()
            got.append(
                {
                    it.path[1:]: Received(keys[it.path[1:]], it.headers, it.body)
                    for it in catcher.caught
                }
            )
            catcher.caught.clear()
        return Batch(*got)


def _are_caught(catcher: Catcher, count: int) -> Callable[[], Awaitable[bool]]:
    async def is_so() -> bool:
        return len(catcher.caught) >= count

    return is_so


def _signature_changed(text: str) -> str:
    version, _, signature = text.partition(",")
    raw = bytearray(base64.b64decode(signature))
    raw[0] ^= 1
    return f"{version},{base64.b64encode(raw).decode()}"


def _key_changed(key: str) -> str:
    prefix, _, text = key.partition("_")
    return f"{prefix}_{base64.b64encode(base64.b64decode(text)[::-1]).decode()}"


def _with(received: Received, name: str, change: Callable[[str], str]) -> Received:
    changed = change(received.headers[name])
    assert changed != received.headers[name]
    return replace(received, headers=received.headers | {name: changed})


#: Each makes another delivery of a good one; the first makes none.
TAMPERED: Final[dict[str, Callable[[Batch, str], Received]]] = {
    "untouched": lambda batch, kind: batch.fresh[kind],
    "body": lambda batch, kind: replace(
        batch.fresh[kind], body=batch.fresh[kind].body.replace(b"suspended", b"suspendee")
    ),
    "id": lambda batch, kind: _with(batch.fresh[kind], "webhook-id", lambda it: it[:-1] + "~"),
    "timestamp": lambda batch, kind: _with(
        batch.fresh[kind], "webhook-timestamp", lambda it: str(int(it) + 1)
    ),
    "signature": lambda batch, kind: _with(
        batch.fresh[kind], "webhook-signature", _signature_changed
    ),
    "version": lambda batch, kind: _with(
        batch.fresh[kind], "webhook-signature", lambda it: "v2," + it.partition(",")[2]
    ),
    "secret": lambda batch, kind: replace(
        batch.fresh[kind], key=_key_changed(batch.fresh[kind].key)
    ),
    "stale": lambda batch, kind: batch.stale[kind],
}


def _by_standardwebhooks(received: Received) -> bool:
    try:
        standardwebhooks.Webhook(received.key).verify(received.body, received.headers)
    except standardwebhooks.WebhookVerificationError:
        return False
    return True


def _by_svix(received: Received) -> bool:
    try:
        svix.webhooks.Webhook(received.key).verify(received.body, received.headers)
    except svix.webhooks.WebhookVerificationError:
        return False
    return True


def _by_cryptography(received: Received) -> bool:
    """Verify `v1a` as its specification says."""
    timestamp = received.headers["webhook-timestamp"]
    if abs(time.time() - int(timestamp)) > TOLERATED_SECONDS:
        return False
    version, _, signature = received.headers["webhook-signature"].partition(",")
    key = base64.b64decode(received.key.removeprefix("whpk_"))
    signed = f"{received.headers['webhook-id']}.{timestamp}.".encode() + received.body
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(base64.b64decode(signature), signed)
    except (InvalidSignature, ValueError):  # ValueError: bytes that are no point of the curve.
        return False
    return version == "v1a"


@pytest.mark.parametrize("change", TAMPERED)
@pytest.mark.parametrize(
    ("verify", "kind"),
    [
        pytest.param(_by_standardwebhooks, "v1", id="standardwebhooks"),
        pytest.param(_by_svix, "v1", id="svix"),
        pytest.param(_by_cryptography, "v1a", id="cryptography"),
    ],
)
def test_python_takes_what_was_sent_and_nothing_else(
    batch: Batch, verify: Callable[[Received], bool], kind: str, change: str
) -> None:
    assert verify(TAMPERED[change](batch, kind)) is (change == "untouched")


@pytest.fixture
def verifiers(npm: Callable[[Path], NpmProject]) -> NpmProject:
    return npm(VERIFIERS)


@pytest.mark.parametrize("change", TAMPERED)
@pytest.mark.parametrize(("how", "kind"), [("npm", "v1"), ("v1", "v1"), ("v1a", "v1a")])
async def test_node_takes_what_was_sent_and_nothing_else(
    batch: Batch, verifiers: NpmProject, how: str, kind: str, change: str
) -> None:
    """By the library of npm, and by what Node itself has."""
    received = TAMPERED[change](batch, kind)
    given: dict[str, Any] = {"how": how, "key": received.key, "headers": received.headers}
    given["body"] = base64.b64encode(received.body).decode()
    (verifiers.folder / "delivery.json").write_text(json.dumps(given))
    said = await verifiers.node("verify.mjs", "delivery.json")
    assert said.strip() == ("accepted" if change == "untouched" else "refused")


def test_every_tampering_is_another_delivery(batch: Batch) -> None:
    for kind in KINDS:
        made = [repr(change(batch, kind)) for change in TAMPERED.values()]
        assert len(set(made)) == len(TAMPERED) == 8
