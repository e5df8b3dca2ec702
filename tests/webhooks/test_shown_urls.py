"""What a webhook's address holds beside its place is shown to its owner alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.webhooks import shown_url
from tests.webhooks.catching import Catcher
from tests.webhooks.delivering import work
from tests.world import World

PATH = "/v1/webhook-endpoints"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://shop.example", "https://shop.example"),
        ("https://shop.example:8443/", "https://shop.example:8443/"),
        ("https://shop.example/hooks", "https://shop.example/…"),
        ("https://chat.example/services/T0/B0/x9", "https://chat.example/services/…"),
        ("https://chat.example/api-v/1/x9", "https://chat.example/api-v/…"),
        ("https://hook.example/x9k3token/in", "https://hook.example/…"),
        ("https://shop.example?token=x9", "https://shop.example/…"),
        ("https://shop.example/in/?token=x9", "https://shop.example/in/…"),
        ("https://user:x9@shop.example/in/", "https://shop.example/in/…"),
    ],
)
def test_what_may_be_a_token_is_left_out(url: str, shown: str) -> None:
    assert shown_url(url) == shown


@given(
    st.from_regex(r"[A-Z0-9]{8,40}", fullmatch=True), st.sampled_from(["/{}", "/in/{}", "?t={}"])
)
def test_no_token_is_shown_wherever_it_stands(token: str, place: str) -> None:
    assert token not in shown_url("https://shop.example" + place.format(token))


async def test_tokens_of_an_address_are_in_no_log_entry_or_event(
    each_world: World, catcher: Catcher, capfd: pytest.CaptureFixture[str]
) -> None:
    world, api = each_world, each_world.a.api
    first = catcher.url("/410/T0KENPATH?token=T0KENQUERY")
    made = await api.ok("POST", PATH, {"url": first}, status=201)
    path = f"{PATH}/{made['id']}"
    changed = await api.ok("PATCH", path, {"url": first + "2"})
    assert changed["url"] == first + "2"
    await world.line()
    await work(world)
    assert (await api.ok("GET", path))["disabled_reason"] == "gone"
    assert (await api.send("DELETE", path)).status_code == 204
    log = await api.get("/v1/audit/entries", params={"resource_id": made["id"]})
    events = await api.get("/v1/events")
    assert "webhook_endpoint.disabled" in events.text
    printed = capfd.readouterr()
    for text in (log.text, events.text, printed.out, printed.err):
        assert "T0KEN" not in text
    actions = {each["action"]: each for each in log.json()["data"]}
    update = actions["webhook_endpoint.update"]
    assert catcher.place in update["after"]["url"]
    assert update["before"]["url"] != update["after"]["url"]
