"""What foreign claims mean here, and the settings that say so."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.identity.issuer_settings import IssuerSettings
from gateway.identity.mapping import value_at
from gateway.settings import SettingsError, load, shown
from tests.identity.resource_server import AUDIENCE, Gateway, a_gateway
from tests.identity.signing import EC, ED, RESELLER_ID, RSA, header, signed

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    async with a_gateway(tmp_path_factory.mktemp("gateway")) as made:
        yield made


async def me(gateway: Gateway, token: str) -> dict[str, Any]:
    response = await gateway.bearer(token)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def test_a_keycloak_token_is_its_resellers(gateway: Gateway) -> None:
    found = await me(gateway, gateway.maker("keycloak").token())
    assert (found["kind"], found["reseller_id"]) == ("reseller", RESELLER_ID)
    assert found["permissions"] == ["lines:read", "lines:write"]
    assert found["key_id"] is None


async def test_an_auth0_token_is_its_resellers(gateway: Gateway) -> None:
    found = await me(gateway, gateway.maker("auth0").token())
    assert (found["kind"], found["reseller_id"]) == ("reseller", RESELLER_ID)
    # panels:write is only for operators.
    assert found["permissions"] == ["lines:read", "devices:read"]


async def test_staff_is_mapped_to_the_operator(gateway: Gateway) -> None:
    token = gateway.maker("keycloak").token(
        resource_access={"gateway": {"reseller": ["staff"]}},
        realm_access={"roles": ["panel-admin", "lines-editor"]},
    )
    found = await me(gateway, token)
    assert (found["kind"], found["reseller_id"]) == ("operator", None)
    assert found["permissions"] == ["lines:read", "lines:write", "panels:read", "panels:write"]


@pytest.mark.parametrize("roles", [[], ["nobody"], ["lines:write"], None])
async def test_words_that_are_not_mapped_give_nothing(gateway: Gateway, roles: Any) -> None:
    token = gateway.maker("keycloak").token(realm_access={"roles": roles})
    assert (await me(gateway, token))["permissions"] == []


@pytest.mark.parametrize(
    ("value", "wanted"),
    [("lines:read  ", None), ("lines:read tea:make", ["lines:read"]), ("", []), (None, [])],
)
async def test_permissions_may_be_a_text(
    gateway: Gateway, value: str | None, wanted: list[str] | None
) -> None:
    response = await gateway.bearer(gateway.maker("auth0").token(permissions=value))
    if wanted is None:
        assert response.status_code == 401
    else:
        assert response.json()["permissions"] == wanted


@pytest.mark.parametrize(
    ("alg", "kid", "key"),
    [
        ("RS256", "rsa-1", RSA),
        ("PS256", "rsa-1", RSA),
        ("ES256", "ec-1", EC),
        ("EdDSA", "ed-1", ED),
    ],
)
async def test_an_issuer_signs_by_the_algorithms_that_it_is_set_to(
    gateway: Gateway, alg: str, kid: str, key: Any
) -> None:
    head = header(alg=alg, kid=kid, typ="JWT")
    token = signed(gateway.maker("auth0").claims(), head, key)
    assert (await gateway.bearer(token)).status_code == 200
    token = signed(gateway.maker("keycloak").claims(), head, key)
    wanted = 200 if alg == "RS256" else 401
    assert (await gateway.bearer(token)).status_code == wanted


async def test_an_issuer_that_is_down_is_told_apart_from_a_bad_token(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    async with a_gateway(tmp_path_factory.mktemp("gateway")) as gateway:
        gateway.auth0.status = 503
        response = await gateway.bearer(gateway.maker("auth0").token())
        assert response.status_code == 503
        assert response.json()["code"] == "service_unavailable"
        assert response.headers["retry-after"] == "5"
        for other in ("own", "keycloak"):
            assert (await gateway.bearer(gateway.maker(other).token())).status_code == 200


async def test_a_path_leads_through_objects_and_a_whole_name_comes_first() -> None:
    claims = {"a": {"b": {"c": 1}}, "a.b": 2, "x.y": {"z": 3}}
    assert value_at(claims, "a.b") == 2
    assert value_at(claims, "a.b.c") == 1
    assert value_at(claims, "x.y.z") is None
    assert value_at(claims, "a.b.c.d") is None
    assert value_at(claims, "nothing") is None


GOOD = {
    "url": "https://sso.example/realms/tv",
    "audience": AUDIENCE,
    "reseller_claim": "reseller_id",
}


def issuers_of(text: str) -> tuple[IssuerSettings, ...]:
    settings, _ = load({"GATEWAY_ISSUERS": text})
    return settings.issuers


async def test_issuers_are_set_in_yaml_or_json() -> None:
    wanted = (IssuerSettings.model_validate(GOOD),)
    assert (
        issuers_of(f"""[{{"url": "{GOOD["url"]}", "audience": "{AUDIENCE}",
        "reseller_claim": "reseller_id"}}]""")
        == wanted
    )
    assert (
        issuers_of(f"""
- url: {GOOD["url"]}
  audience: {AUDIENCE}
  reseller_claim: reseller_id
""")
        == wanted
    )
    assert issuers_of("") == ()


async def test_the_shown_setting_names_the_issuers() -> None:
    settings, source = load({"GATEWAY_ISSUERS": f"[{GOOD}]"})
    values = {name: value for name, value, *_ in shown(settings, source)}
    assert values["GATEWAY_ISSUERS"] == GOOD["url"]


@pytest.mark.parametrize(
    "different",
    [
        {"url": "http://sso.example"},
        {"url": "sso.example"},
        {"url": "https://sso.example/#here"},
        {"url": "https://user:secret@sso.example"},
        {"url": "http://127.0.0.1:8080"},
        {"url": "http://sso.example", "dangerous_http": True},
        {"jwks_url": "http://sso.example/keys"},
        {"audience": ""},
        {"algorithms": ["HS256"]},
        {"algorithms": ["none"]},
        {"algorithms": []},
        {"token_types": ["dpop+jwt"]},
        {"token_types": []},
        {"lifetime_seconds_max": 10**9},
        {"reseller_claim": ""},
        {"resellers": {"acme": "acme"}},
        {"permissions": {"admin": ["everything"]}},
        {"unknown": 1},
    ],
    ids=str,
)
async def test_a_setting_that_is_not_safe_is_refused(different: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as caught:
        issuers_of(str([GOOD | different]))
    assert str(caught.value).startswith("GATEWAY_ISSUERS__0")
    assert "user:secret" not in str(caught.value)


@pytest.mark.parametrize("text", ["[", "7", "{}: [", '"https://sso.example"', "[7]"])
async def test_what_is_no_list_of_issuers_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="GATEWAY_ISSUERS"):
        issuers_of(text)


async def test_an_issuer_stands_there_once() -> None:
    with pytest.raises(SettingsError, match="once"):
        issuers_of(str([GOOD, GOOD]))


GUIDE = Path(__file__).parents[2] / "docs" / "issuers.md"


async def test_the_guides_examples_are_good_settings(tmp_path: Path) -> None:
    examples = re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        file = tmp_path / "gateway.yaml"
        file.write_text(example)
        settings, _ = load({"GATEWAY_CONFIG_FILE": str(file)})
        assert settings.issuers[0].audience == AUDIENCE
