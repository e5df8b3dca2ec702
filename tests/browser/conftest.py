"""A real browser, shut off from the outside, which writes down all that a page asks for."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Browser, Page, async_playwright

FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One opened page: what it asked for and what went wrong in it, in order."""

    page: Page
    requests: list[str] = field(default_factory=list)
    failed_requests: list[str] = field(default_factory=list)
    console_errors: list[str] = field(default_factory=list)

    def outside(self, origin: str) -> list[str]:
        """Return the requests that left `origin`, such as http://127.0.0.1:8080."""
        own = (f"{origin}/", "data:", "blob:", "about:")
        return [url for url in self.requests if url != origin and not url.startswith(own)]


OpenPage = Callable[[str], Awaitable[Visit]]


@pytest.fixture
async def browser(chromium: Path) -> AsyncIterator[Browser]:
    """A fresh browser with an empty profile."""
    async with async_playwright() as driver:
        started = await driver.chromium.launch(
            executable_path=chromium, args=list(FLAGS), chromium_sandbox=False
        )
        yield started
        await started.close()


@pytest.fixture
def open_page(browser: Browser) -> OpenPage:
    """Opens a URL in a new tab and returns its Visit once the network is quiet."""

    async def open_url(url: str) -> Visit:
        page = await browser.new_page()
        visit = Visit(page=page)
        page.on("request", lambda request: visit.requests.append(request.url))
        page.on("requestfailed", lambda request: visit.failed_requests.append(request.url))
        page.on("pageerror", lambda error: visit.console_errors.append(str(error)))
        page.on(
            "console",
            lambda message: (
                visit.console_errors.append(message.text) if message.type == "error" else None
            ),
        )
        await page.goto(url, wait_until="networkidle")
        return visit

    return open_url
