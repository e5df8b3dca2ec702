"""What each odd answer to a call on a device means, for changes and for reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from gateway.domain.calls import (
    CreatedDevice,
    DeviceInfo,
    Edited,
    HalfMade,
    NotOnPanel,
    Taken,
    Unconfirmed,
)
from gateway.domain.errors import (
    GatewayError,
    PanelMisconfigured,
    PanelOutcomeUnknown,
    PanelRefusedValues,
    PanelUnavailable,
)
from gateway.panels.dialect import Answer
from gateway.panels.xtream_v2 import devices
from tests.panels.makers import MAC, a_device_create, a_device_edit, a_device_info, an_answer
from tests.panels.odd_answers import EVERY_CHANGE_UNKNOWN, LOGIN, NGINX, NOTICE, a_refusal
from tests.panels.recorded import exchanges

TRUE = an_answer('{"result":true}')
FALSE = an_answer('{"result":false}')


def create(answer: Answer) -> object:
    return devices.decode_create(answer, a_device_create())


def edit(answer: Answer) -> object:
    return devices.decode_edit(answer, a_device_edit())


def info(answer: Answer) -> object:
    return devices.decode_info(answer, a_device_info())


@pytest.mark.parametrize("change", [create, edit])
@pytest.mark.parametrize("case", EVERY_CHANGE_UNKNOWN)
def test_a_change_of_which_nothing_is_proved_is_unknown(
    case: str, change: Callable[[Answer], object]
) -> None:
    with pytest.raises(PanelOutcomeUnknown):
        change(EVERY_CHANGE_UNKNOWN[case])


@pytest.mark.parametrize("before", ["", "\ufeff", NOTICE * 2, "\r\n"])
def test_blanks_marks_and_notices_before_an_answer_do_no_harm(before: str) -> None:
    assert create(an_answer(before + '{"result":true}\n')) == CreatedDevice()
    assert edit(an_answer(before + '{"result":true}')) == Edited()
    assert edit(an_answer(before + '{"result":false}')) == Unconfirmed()


def test_a_mac_that_exists_is_taken() -> None:
    assert create(a_refusal("EXISTS")) == Taken()


def test_an_edit_that_changed_nothing_is_unconfirmed() -> None:
    assert edit(FALSE) == Unconfirmed()
    assert edit(a_refusal("NOT EXISTS")) == Unconfirmed()


@pytest.mark.parametrize(
    ("change", "answer"),
    [(create, FALSE), (create, a_refusal("NOT EXISTS")), (edit, a_refusal("EXISTS"))],
)
def test_words_that_do_not_fit_the_call_prove_nothing(
    change: Callable[[Answer], object], answer: Answer
) -> None:
    with pytest.raises(PanelOutcomeUnknown):
        change(answer)


@pytest.mark.parametrize("change", [create, edit])
def test_a_refusal_by_the_database_is_definite(change: Callable[[Answer], object]) -> None:
    with pytest.raises(PanelRefusedValues):
        change(a_refusal("PARAMETER ERROR"))


@pytest.mark.parametrize("call", [create, edit, info])
@pytest.mark.parametrize("words", ["PARAMETER ERROR (mac)", "PARAMETER ERROR (user/pass)"])
def test_a_form_that_does_not_arrive_is_misconfiguration(
    call: Callable[[Answer], object], words: str
) -> None:
    with pytest.raises(PanelMisconfigured):
        call(a_refusal(words))


@pytest.mark.parametrize("call", [create, edit, info])
@pytest.mark.parametrize("words", ["IP FORBIDDEN", "KEY WRONG"])
def test_a_refusal_of_the_gateway_itself_is_never_unchanged(
    call: Callable[[Answer], object], words: str
) -> None:
    with pytest.raises(PanelMisconfigured):
        call(an_answer(json.dumps({"result": False, "0": words})))


def test_no_firewall_hides_a_device() -> None:
    answer = an_answer(status=404)
    for change in (create, edit):
        with pytest.raises(PanelOutcomeUnknown):
            change(answer)
    with pytest.raises(PanelMisconfigured):
        info(answer)


@pytest.mark.parametrize("answer", [FALSE, a_refusal("NOT EXISTS")])
def test_a_device_that_the_panel_does_not_know(answer: Answer) -> None:
    assert info(answer) == NotOnPanel()


SHOWN: dict[str, Any] = next(
    json.loads(one.answer.body) for one in exchanges("stb&sub=info") if one.name == "stb_info_ok"
)


def info_with(**changes: Any) -> object:
    return info(an_answer(json.dumps({**SHOWN, **changes})))


def test_a_device_that_never_expires_is_an_ordinary_one() -> None:
    found = info_with(user_info={**SHOWN["user_info"], "exp_date": None})
    assert isinstance(found, DeviceInfo)
    assert (found.expires_at, found.mac, found.panel_device_id) == (None, MAC, 1)


def test_a_later_revision_may_send_numbers() -> None:
    found = info_with(mag_device={"mag_id": 7, "mac": MAC})
    assert isinstance(found, DeviceInfo)
    assert found.panel_device_id == 7


def test_a_device_without_a_line_is_neither_there_nor_absent() -> None:
    assert info_with(user_info=[]) == HalfMade()


def device_with(**changes: Any) -> dict[str, Any]:
    return {"mag_device": {**SHOWN["mag_device"], **changes}}


@pytest.mark.parametrize(
    "changes",
    [
        {"mag_device": []},
        {"mag_device": None},
        device_with(mac="00:1A:79:79:79:78"),
        device_with(mac=MAC.lower()),
        device_with(mac=None),
        device_with(mag_id=None),
        device_with(mag_id="0"),
        device_with(mag_id=True),
        {"user_info": None},
        {"user_info": ["x"]},
        {"user_info": {}},
        {"user_info": {**SHOWN["user_info"], "exp_date": "soon"}},
        {"result": 1},
        {"error": None},
    ],
)
def test_an_info_without_what_a_verification_needs_is_not_usable(changes: dict[str, Any]) -> None:
    with pytest.raises(PanelUnavailable, match="answer is broken"):
        info_with(**changes)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (an_answer(), PanelMisconfigured),
        (an_answer(LOGIN), PanelMisconfigured),
        (an_answer(NGINX, status=404), PanelMisconfigured),
        (an_answer(status=302), PanelMisconfigured),
        (an_answer(status=503), PanelUnavailable),
        (an_answer(NOTICE + '{"error":"MySQL: Connection refused"}'), PanelUnavailable),
        (an_answer("[]"), PanelUnavailable),
        (TRUE, PanelUnavailable),
        (a_refusal("SOMETHING NEW"), PanelUnavailable),
        (a_refusal("PARAMETER ERROR"), PanelUnavailable),
    ],
)
def test_a_read_without_a_usable_answer(answer: Answer, error: type[GatewayError]) -> None:
    with pytest.raises(error):
        info(answer)


def test_no_password_survives_in_an_info() -> None:
    password = SHOWN["user_info"]["password"]
    assert password not in repr(info_with())
