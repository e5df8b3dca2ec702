"""The setting reaches the sender, and the log tells what is let through."""

from __future__ import annotations

from pathlib import Path

from structlog.testing import capture_logs

from gateway.bootstrap import build
from gateway.services.ports.sender import SendFault
from gateway.settings import load
from tests.panels.servers import answering, page, serving
from tests.webhooks.receivers import BODY, HEADERS
from tests.world import ENCRYPTION_KEYS


def environ(folder: Path, **more: str) -> dict[str, str]:
    return {
        "GATEWAY_DATABASE_URL": f"sqlite:///{folder}/gateway.db",
        "GATEWAY_ENCRYPTION_KEYS": ENCRYPTION_KEYS,
        **more,
    }


async def test_without_the_setting_nothing_private_is_let_through(tmp_path: Path) -> None:
    settings, _ = load(environ(tmp_path))
    with capture_logs() as lines:
        async with build(settings) as runtime:
            sender = runtime.ports.sender
            assert sender is not None
            assert sender.check_url("https://127.0.0.1:9000/") is SendFault.URL_ADDRESS
    assert [line["event"] for line in lines if "dangerous" in line["event"]] == []


async def test_each_dangerous_place_is_let_through_and_told(tmp_path: Path) -> None:
    async with serving(answering(page(b"ok"))) as base_url:
        place = base_url.partition("://")[2]
        given = {"GATEWAY_DANGEROUS_WEBHOOK_TARGETS": f"receiver:80,{place}"}
        settings, _ = load(environ(tmp_path, **given))
        with capture_logs() as lines:
            async with build(settings) as runtime:
                sender = runtime.ports.sender
                assert sender is not None
                assert sender.check_url("http://receiver/hook") is None
                assert (await sender.send(f"{base_url}/hook", HEADERS, BODY)).is_success
    told = [line for line in lines if line["event"] == "webhooks.dangerous_target"]
    assert [line["place"] for line in told] == ["receiver:80", place]
    assert {line["log_level"] for line in told} == {"warning"}
