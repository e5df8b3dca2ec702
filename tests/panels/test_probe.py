"""What a probe makes of each kind of server, in at most four reads."""

from __future__ import annotations

import pytest

from gateway.domain.errors import PanelUnavailable
from gateway.domain.secrets import Secret
from gateway.panels.dialect import Answer, Findings, Form, Reason, TransportFault
from gateway.panels.xtream_v2.probe import probe
from tests.panels.makers import a_panel, an_answer

Asked = dict[str, Answer | Exception]

SERVERS = an_answer('[{"id":1,"server_name":"Main"}]')
MAC_MISSING = an_answer('{"result":false,"error":"PARAMETER ERROR (mac)"}')
ACCOUNTS = an_answer('[{"id":"1","username":"admin","credits":"0"}]')
NOT_EXISTS = an_answer('{"result":false,"error":"NOT EXISTS"}')
PAGE = "<html><body>404</body></html>"
GOOD: Asked = {
    "server/list": SERVERS,
    "stb/info": MAC_MISSING,
    "reg_user/list": ACCOUNTS,
    "user/info": NOT_EXISTS,
}
ALLOWED = {"server/list", "stb/info", "reg_user/list", "user/info"}


async def probed(asked: Asked, api_pass: Secret | None = None) -> Findings:
    async def ask(action: str, sub: str, form: Form) -> Answer:
        assert not any("user_data" in name for name, _text in form)
        answer = asked[f"{action}/{sub}"]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return await probe(ask, a_panel(api_pass=api_pass))


async def test_an_open_panel() -> None:
    expected = Findings(reachable=True, dialect="xtream_v2", firewall=False, credits=True)
    assert await probed(GOOD) == expected


async def test_a_panel_with_only_the_documented_calls() -> None:
    bare = an_answer('{"result":false}')
    found = await probed(
        {**GOOD, "server/list": an_answer(), "reg_user/list": an_answer(), "user/info": bare}
    )
    assert found == Findings(reachable=True, dialect="xtream_v2", firewall=False, credits=False)


async def test_a_panel_behind_its_firewall() -> None:
    found = await probed({**GOOD, "user/info": an_answer(status=404)})
    assert found == Findings(reachable=True, dialect="xtream_v2", firewall=True, credits=True)


@pytest.mark.parametrize("answer", [an_answer(), an_answer(PAGE, status=502)])
async def test_what_is_not_told_stays_unknown(answer: Answer) -> None:
    found = await probed({**GOOD, "user/info": answer, "reg_user/list": an_answer('{"a":1}')})
    assert (found.firewall, found.credits) == (None, None)


@pytest.mark.parametrize(
    ("answer", "code", "dialect"),
    [
        (an_answer('{"result":false,"0":"IP FORBIDDEN"}'), "ip_refused", "xtream_v2"),
        (an_answer('{"result":false,"0":"KEY WRONG"}'), "key_wrong", "xtream_v2"),
        (an_answer('{"error":"MySQL: Connection refused"}'), "database_down", None),
        (an_answer("no config found"), "no_config", None),
        (an_answer(PAGE, status=404), "not_a_panel", None),
        (an_answer(status=404), "not_a_panel", None),
        (an_answer(PAGE, status=400), "not_a_panel", None),
        (an_answer(PAGE), "not_a_panel", None),
        (an_answer(status=301), "redirected", None),
        (an_answer(status=503), "rate_limited", None),
        (an_answer(status=500), "server_error", None),
        (an_answer('{"resu'), "unusable_answer", None),
    ],
)
async def test_a_server_that_is_not_ready_is_named(
    answer: Answer, code: str, dialect: str | None
) -> None:
    found = await probed({"server/list": answer}, Secret("k"))
    assert (found.reachable, found.dialect) == (True, dialect)
    assert [warning.code for warning in found.warnings] == [code]
    assert found.warnings[0].detail.endswith(".")


async def test_a_key_that_is_missing_here_is_told_apart_from_a_wrong_one() -> None:
    answer = an_answer('{"result":false,"0":"KEY WRONG"}')
    (missing,) = (await probed({"server/list": answer})).warnings
    (wrong,) = (await probed({"server/list": answer}, Secret("k"))).warnings
    assert missing.code == wrong.code == "key_wrong"
    assert missing.detail != wrong.detail


async def test_a_port_that_answers_everything_empty_is_the_wrong_one() -> None:
    found = await probed({"server/list": an_answer(), "stb/info": an_answer()})
    assert found.dialect is None
    assert [warning.code for warning in found.warnings] == ["wrong_port"]


async def test_a_server_with_json_of_its_own_is_no_panel() -> None:
    found = await probed({"server/list": an_answer("{}"), "stb/info": an_answer("{}")})
    assert found.dialect is None
    assert [warning.code for warning in found.warnings] == ["not_a_panel"]


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("call", sorted(ALLOWED))
async def test_no_answer_to_any_of_the_reads_is_told(reason: Reason, call: str) -> None:
    found = await probed({**GOOD, call: TransportFault(reason, sent=True)})
    assert not found.reachable
    assert [warning.code for warning in found.warnings] == [str(reason)]


async def test_a_used_up_budget_is_told() -> None:
    found = await probed({"server/list": PanelUnavailable("x")})
    assert [warning.code for warning in found.warnings] == ["busy"]
