"""Hostile tokens against a gateway that listens: every one is refused, and nothing breaks."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from gateway.identity.refusals import REFUSAL
from tests.api.support import assert_problem, challenge_in
from tests.identity.hostile import HOSTILE, Make
from tests.identity.resource_server import Gateway, a_gateway
from tests.identity.signing import CLIENT_ID, LINE_ID, RESELLER_ID

pytestmark = pytest.mark.asyncio(loop_scope="module")

ISSUERS = ("own", "keycloak", "auth0")
#: What the edge says where the header is not even that of one token.
NOT_ONE = "The Authorization header is not one Bearer key or token."
CHALLENGES = {REFUSAL: 'Bearer error="invalid_token"', NOT_ONE: "Bearer"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    async with a_gateway(tmp_path_factory.mktemp("gateway")) as made:
        yield made


async def refused(gateway: Gateway, token: str | bytes) -> None:
    response = await gateway.bearer(token)
    problem = assert_problem(response, 401, "unauthenticated")
    assert challenge_in(response) == CHALLENGES[problem["detail"]]


@pytest.mark.parametrize("name", ISSUERS)
async def test_a_good_token_is_taken(gateway: Gateway, name: str) -> None:
    """Else the refusals below would prove nothing."""
    response = await gateway.bearer(gateway.maker(name).token())
    assert response.status_code == 200, response.text
    assert response.json()["reseller_id"] == RESELLER_ID


@pytest.mark.parametrize("name", ISSUERS)
@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
async def test_it_is_refused(gateway: Gateway, name: str, make: Make) -> None:
    await refused(gateway, make(gateway.maker(name)))


@pytest.mark.parametrize("name", ISSUERS)
async def test_a_good_token_is_still_taken(gateway: Gateway, name: str) -> None:
    response = await gateway.bearer(gateway.maker(name).token())
    assert response.status_code == 200, response.text


async def test_there_are_enough_of_them() -> None:
    assert len(HOSTILE) >= 150


@pytest.mark.parametrize(
    "different",
    [
        {"jti": None},
        {"jti": "tok_1"},
        {"client_id": None},
        {"client_id": "billing"},
        {"client_id": LINE_ID},
        {"sub": LINE_ID},
        {"sub": CLIENT_ID, "resource_id": LINE_ID},
        {"sub": CLIENT_ID, "resource_id": CLIENT_ID},
        {"sub": LINE_ID, "resource_id": [LINE_ID]},
        {"reseller_id": "rsl_1"},
        {"reseller_id": [RESELLER_ID]},
        {"reseller_id": None},
        {"scope": ["lines:read"]},
        {"scope": 7},
        {"scope": "lines:read  lines:write"},
        {"scope": 'lines:read "'},
        {"scope": "lines:read\u00a0lines:write"},
    ],
    ids=str,
)
async def test_what_we_never_say_ourselves_is_refused(
    gateway: Gateway, different: dict[str, object]
) -> None:
    await refused(gateway, gateway.maker("own").token(**different))


@pytest.mark.parametrize(
    "different",
    [
        {"typ": "ID"},
        {"typ": "Refresh"},
        {"typ": 7},
        {"nonce": "n"},
        {"at_hash": "h"},
        {"events": {}},
        {"resource_access": None},
        {"resource_access": "acme"},
        {"resource_access": {"gateway": {"reseller": "nobody"}}},
        {"resource_access": {"gateway": {"reseller": RESELLER_ID}}},
        {"resource_access": {"gateway": {"reseller": "operator"}}},
        {"resource_access": {"gateway": {"reseller": ["acme", "staff"]}}},
        {"resource_access": {"gateway": {"reseller": 7}}},
        {"resource_access": {"gateway": {"reseller": {"acme": 1}}}},
        {"realm_access": {"roles": [["lines-editor"]]}},
        {"realm_access": {"roles": {"lines-editor": 1}}},
    ],
    ids=str,
)
async def test_a_foreign_token_that_is_not_for_us_is_refused(
    gateway: Gateway, different: dict[str, object]
) -> None:
    await refused(gateway, gateway.maker("keycloak").token(**different))


@pytest.mark.parametrize(
    "value",
    ["operator", "acme", "rsl_1", CLIENT_ID, RESELLER_ID[:-1] + "0", None],
)
async def test_without_a_map_only_an_id_of_a_reseller_is_one(
    gateway: Gateway, value: str | None
) -> None:
    different = {"https://gateway.example/reseller_id": value}
    await refused(gateway, gateway.maker("auth0").token(**different))


async def test_no_issuer_can_speak_for_another(gateway: Gateway) -> None:
    for name in ISSUERS:
        for other in ISSUERS:
            if name != other:
                iss = gateway.maker(other).claims()["iss"]
                await refused(gateway, gateway.maker(name).token(iss=iss))


async def test_the_issuers_are_not_asked_for_what_tokens_name(gateway: Gateway) -> None:
    for issuer in (gateway.keycloak, gateway.auth0):
        assert {path.rpartition("/")[2] for path in issuer.asked} <= {
            "openid-configuration",
            "keys",
        }
        assert issuer.counted() <= 3
