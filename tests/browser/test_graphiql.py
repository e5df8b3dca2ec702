"""GraphiQL in a real browser: one key, kept in memory, and nothing from elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from gateway.api.server import open_socket, serving
from tests.browser.conftest import OpenPage, Visit
from tests.world import World, a_world

EVERYWHERE = """() => JSON.stringify([
    {...localStorage}, {...sessionStorage}, document.cookie, location.href, history.state
])"""

READ_AS = """name => document.querySelector(".graphiql-query-editor .CodeMirror")
    .CodeMirror.operationName === name"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where the page is, a key that may do everything, and one that may not introspect."""

    origin: str
    key: str
    blind_key: str
    world: World

    @property
    def url(self) -> str:
        return f"{self.origin}/graphql"


@pytest.fixture
async def endpoint(tmp_path: Path) -> AsyncIterator[Endpoint]:
    listener = open_socket("127.0.0.1:0")
    origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with (
        a_world(f"sqlite:///{tmp_path}/gateway.db", public_url=origin) as world,
        serving([(world.runtime.app(), listener)], drain_seconds=1),
    ):
        blind = {"name": "blind", "permissions": ["lines:read"]}
        made = await world.a.api.ok("POST", "/v1/keys", blind, status=201)
        key = world.a.api.key
        assert key is not None
        yield Endpoint(origin=origin, key=key, blind_key=made["key"], world=world)


async def give_key(page: Page, key: str) -> None:
    """Put a key into the field as somebody does who types it."""
    await page.get_by_label("API key").fill(key)
    await page.keyboard.press("Enter")


async def says(page: Page, sentence: str) -> None:
    await expect(page.get_by_role("status")).to_contain_text(sentence)


async def run(page: Page, tab: str) -> None:
    """Run the example in that tab; GraphiQL needs a moment to see which operation it shows."""
    await page.get_by_role("tab", name=tab).click()
    await page.wait_for_function(READ_AS, arg=tab)
    await page.get_by_role("button", name="Execute query").click()


async def answers(page: Page, text: str) -> None:
    await expect(page.locator(".result-window")).to_contain_text(text)


def posts(visit: Visit, endpoint: Endpoint) -> int:
    return visit.requests.count(endpoint.url) - 1  # The page itself has the same address.


async def test_the_page_needs_no_key_and_nothing_from_outside(
    endpoint: Endpoint, open_page: OpenPage
) -> None:
    visit = await open_page(endpoint.url)
    await says(visit.page, "Paste an API key")
    await expect(visit.page.get_by_role("tab")).to_have_count(3)
    assert posts(visit, endpoint) == 0
    assert visit.outside(endpoint.origin) == []
    assert visit.failed_requests == []
    assert visit.console_errors == []


async def test_a_pasted_key_loads_the_schema_and_runs_a_query(
    endpoint: Endpoint, open_page: OpenPage
) -> None:
    visit = await open_page(endpoint.url)
    await visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await visit.page.evaluate("key => navigator.clipboard.writeText(key)", f" {endpoint.key}\n")
    await visit.page.get_by_label("API key").focus()
    await visit.page.keyboard.press("Control+V")
    await says(visit.page, "Schema loaded.")
    await run(visit.page, "Start")
    await answers(visit.page, '"kind": "RESELLER"')
    assert visit.outside(endpoint.origin) == []
    assert visit.failed_requests == []
    assert visit.console_errors == []


async def test_the_explorer_documents_what_the_present_key_may_see(
    endpoint: Endpoint, open_page: OpenPage
) -> None:
    page = (await open_page(endpoint.url)).page
    await page.get_by_role("button", name="Show Documentation Explorer").click()
    explorer = page.get_by_role("region", name="Documentation Explorer")
    await expect(explorer).to_contain_text("No GraphQL schema available")
    await give_key(page, endpoint.key)
    await explorer.get_by_role("link", name="Query", exact=True).click()
    await explorer.get_by_role("link", name="LineConnection").click()
    await explorer.get_by_role("link", name="LineEdge").click()
    await explorer.get_by_role("link", name="Line", exact=True).click()
    await expect(explorer).to_contain_text(
        "A subscriber account with username and password on one panel."
    )
    await give_key(page, "")
    await expect(explorer).to_contain_text("No GraphQL schema available")
    await give_key(page, endpoint.blind_key)
    await expect(explorer).to_contain_text("Error fetching schema")


async def test_a_wrong_key_is_named_as_such_and_not_sent_again(
    endpoint: Endpoint, open_page: OpenPage
) -> None:
    visit = await open_page(endpoint.url)
    await give_key(visit.page, "xgw_wrong")
    await says(visit.page, "The gateway does not accept this key (401).")
    assert posts(visit, endpoint) == 1
    await run(visit.page, "WatchLine")
    await answers(visit.page, "unauthenticated")
    assert posts(visit, endpoint) == 2
    await give_key(visit.page, endpoint.key)
    await says(visit.page, "Schema loaded.")


async def test_a_key_without_introspection_runs_what_it_may(
    endpoint: Endpoint, open_page: OpenPage
) -> None:
    page = (await open_page(endpoint.url)).page
    await give_key(page, endpoint.blind_key)
    await says(page, "it lacks the permission graphql:introspect")
    await answers(page, "Reading the schema needs the permission graphql:introspect.")
    await run(page, "Start")
    await answers(page, '"kind": "RESELLER"')


async def test_what_cannot_be_a_key_is_not_sent(endpoint: Endpoint, open_page: OpenPage) -> None:
    visit = await open_page(endpoint.url)
    await give_key(visit.page, "two words")
    await says(visit.page, "This is no API key")
    assert posts(visit, endpoint) == 0


async def test_the_key_is_in_no_storage_and_no_address(
    endpoint: Endpoint, open_page: OpenPage
) -> None:
    visit = await open_page(endpoint.url)
    await give_key(visit.page, endpoint.key)
    await run(visit.page, "Start")
    await answers(visit.page, '"kind": "RESELLER"')
    # GraphiQL writes its state a moment later; the query's being there shows that it has.
    await visit.page.wait_for_function(
        "() => sessionStorage['graphiql:tabState']?.includes('Start')"
    )
    await visit.page.wait_for_function(
        "() => sessionStorage['graphiql:queries']?.includes('Start')"
    )
    assert endpoint.key not in await visit.page.evaluate(EVERYWHERE)
    assert await visit.page.evaluate("() => localStorage.length") == 0
    assert [url for url in visit.requests if endpoint.key in url] == []
    await visit.page.reload(wait_until="networkidle")
    await says(visit.page, "Paste an API key")
    await expect(visit.page.get_by_label("API key")).to_have_value("")


async def test_a_subscription_shows_what_comes_until_it_is_ended(
    endpoint: Endpoint, open_page: OpenPage
) -> None:
    line = await endpoint.world.line()
    visit = await open_page(endpoint.url)
    await give_key(visit.page, endpoint.key)
    await says(visit.page, "Schema loaded.")
    await visit.page.get_by_role("tab", name="WatchLine").click()
    await visit.page.wait_for_function(READ_AS, arg="WatchLine")
    await visit.page.evaluate(
        """id => { const editor = document.querySelector(".graphiql-query-editor .CodeMirror")
            .CodeMirror; editor.setValue(editor.getValue().replace('"line_"', `"${id}"`)); }""",
        line["id"],
    )
    await visit.page.get_by_role("button", name="Execute query").click()
    await answers(visit.page, '"state": "ACTIVE"')
    await endpoint.world.a.api.ok("POST", f"/v1/lines/{line['id']}/suspend")
    await answers(visit.page, '"state": "SUSPENDED"')
    await visit.page.get_by_role("button", name="Stop query").click()
    await expect(visit.page.get_by_role("button", name="Execute query")).to_be_visible()
    assert visit.console_errors == []


async def test_its_dialogs_open_under_the_strict_policy(
    endpoint: Endpoint, open_page: OpenPage
) -> None:
    visit = await open_page(endpoint.url)
    for name in ("Open short keys dialog", "Open settings dialog"):
        await visit.page.get_by_role("button", name=name).click()
        await visit.page.get_by_role("dialog").wait_for()
        await visit.page.keyboard.press("Escape")
    assert visit.console_errors == []
