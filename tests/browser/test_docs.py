"""The reference in a real browser: it renders under its strict policy and asks nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.api.app import create_app
from gateway.api.server import open_socket, serving
from tests.api.support import some_ports
from tests.browser.conftest import OpenPage


@pytest.fixture
async def origin() -> AsyncIterator[str]:
    listener = open_socket("127.0.0.1:0")
    port = listener.getsockname()[1]
    async with serving([(create_app(some_ports()), listener)], drain_seconds=1):
        yield f"http://127.0.0.1:{port}"


async def test_the_reference_renders_under_its_own_policy(origin: str, open_page: OpenPage) -> None:
    visit = await open_page(f"{origin}/docs")
    await visit.page.get_by_text("Create a line.").first.click()
    await visit.page.get_by_text("whmcs:4711").first.wait_for()
    await visit.page.get_by_text("idempotency_key_reused").first.wait_for()
    assert visit.outside(origin) == []
    assert visit.failed_requests == []
    assert visit.console_errors == []
    assert f"{origin}/openapi.json" in visit.requests
