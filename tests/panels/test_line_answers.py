"""What each odd answer to a call on a line means, for changes and for reads."""

from __future__ import annotations

import json

import pytest

from gateway.domain.calls import (
    CreatedLine,
    Edited,
    NotOnPanel,
    Taken,
)
from gateway.domain.errors import (
    GatewayError,
    PanelLineGated,
    PanelMisconfigured,
    PanelOutcomeUnknown,
    PanelRefusedValues,
    PanelUnavailable,
)
from gateway.panels.dialect import Answer
from gateway.panels.xtream_v2 import lines
from tests.panels.makers import a_create, an_answer, an_edit, an_info
from tests.panels.odd_answers import (
    CREATED,
    EVERY_CHANGE_UNKNOWN,
    LOGIN,
    NGINX,
    NOTICE,
    a_refusal,
)


@pytest.mark.parametrize("case", EVERY_CHANGE_UNKNOWN)
def test_a_change_of_which_nothing_is_proved_is_unknown(case: str) -> None:
    with pytest.raises(PanelOutcomeUnknown):
        lines.decode_create(EVERY_CHANGE_UNKNOWN[case], a_create())
    with pytest.raises(PanelOutcomeUnknown):
        lines.decode_edit(EVERY_CHANGE_UNKNOWN[case], an_edit())


def test_a_bare_false_is_unknown_for_a_line() -> None:
    answer = an_answer('{"result":false}')
    with pytest.raises(PanelOutcomeUnknown):
        lines.decode_create(answer, a_create())
    with pytest.raises(PanelOutcomeUnknown):
        lines.decode_edit(answer, an_edit())


@pytest.mark.parametrize(
    "before",
    [
        "",
        "\ufeff",
        "\r\n\n",
        NOTICE,
        NOTICE * 3,
        "\ufeff\n" + NOTICE,
        "\nWarning: x in /y.php on line 3\n",
        "PHP Deprecated: x [y] {z}\n",
        NOTICE + "\ufeff",
    ],
)
@pytest.mark.parametrize("after", ["", "\n", " \r\n\t"])
def test_blanks_marks_and_notices_around_a_success_do_no_harm(before: str, after: str) -> None:
    answer = an_answer(before + CREATED + after)
    assert lines.decode_create(answer, a_create()) == CreatedLine(panel_line_id=14)
    answer = an_answer(before + '{"result":true}' + after)
    assert lines.decode_edit(answer, an_edit()) == Edited()


@pytest.mark.parametrize(
    ("sent", "row"),
    [("14", 14), ('"14"', 14), ("0", None), ("-1", None), ('"0"', None), ('"014"', None),
     ("true", None), ("14.0", None), ('"14 "', None), ('"\uff11\uff14"', None),
     ("null", None), ("[14]", None), ('""', None), ("1" + "0" * 30, None)],
)  # fmt: skip
def test_a_created_row_has_a_positive_whole_number(sent: str, row: int | None) -> None:
    answer = an_answer(CREATED.replace("14", sent))
    if row is None:
        with pytest.raises(PanelOutcomeUnknown):
            lines.decode_create(answer, a_create())
    else:
        assert lines.decode_create(answer, a_create()) == CreatedLine(panel_line_id=row)


@pytest.mark.parametrize(
    "body",
    [
        CREATED.replace("bob", "Bob"),
        CREATED.replace("pw1", "PW1"),
        CREATED.replace('"bob"', "null"),
        '{"result":true,"created_id":14}',
        '{"result":true,"username":"bob","password":"pw1"}',
    ],
)
def test_a_create_that_does_not_echo_what_was_sent_is_unknown(body: str) -> None:
    with pytest.raises(PanelOutcomeUnknown):
        lines.decode_create(an_answer(body), a_create())


def test_a_definite_refusal_is_told_apart() -> None:
    assert lines.decode_create(a_refusal("EXISTS"), a_create()) == Taken()
    assert lines.decode_edit(a_refusal("NOT EXISTS"), an_edit()) == NotOnPanel()
    with pytest.raises(PanelRefusedValues):
        lines.decode_create(a_refusal("PARAMETER ERROR"), a_create())
    with pytest.raises(PanelRefusedValues):
        lines.decode_edit(a_refusal("PARAMETER ERROR"), an_edit())


@pytest.mark.parametrize("words", ["PARAMETER ERROR (user/pass)", "PARAMETER ERROR (mac)"])
def test_a_form_that_does_not_arrive_is_misconfiguration(words: str) -> None:
    with pytest.raises(PanelMisconfigured):
        lines.decode_create(a_refusal(words), a_create())
    with pytest.raises(PanelMisconfigured):
        lines.decode_edit(a_refusal(words), an_edit())


def test_a_refusal_that_belongs_to_another_call_is_unknown() -> None:
    with pytest.raises(PanelOutcomeUnknown):
        lines.decode_create(a_refusal("NOT EXISTS"), a_create())
    with pytest.raises(PanelOutcomeUnknown):
        lines.decode_edit(a_refusal("EXISTS"), an_edit())


@pytest.mark.parametrize("words", ["IP FORBIDDEN", "KEY WRONG"])
@pytest.mark.parametrize("before", ["", NOTICE])
def test_a_refusal_of_the_gateway_itself_is_misconfiguration(words: str, before: str) -> None:
    answer = an_answer(before + json.dumps({"result": False, "0": words}))
    with pytest.raises(PanelMisconfigured):
        lines.decode_create(answer, a_create())
    with pytest.raises(PanelMisconfigured):
        lines.decode_edit(answer, an_edit())
    with pytest.raises(PanelMisconfigured):
        lines.decode_info(answer, an_info())


def test_an_empty_404_is_the_firewall_where_a_line_is_named_and_unknown_on_create() -> None:
    answer = an_answer(status=404)
    with pytest.raises(PanelLineGated):
        lines.decode_edit(answer, an_edit())
    with pytest.raises(PanelLineGated):
        lines.decode_info(answer, an_info())
    with pytest.raises(PanelOutcomeUnknown):
        lines.decode_create(answer, a_create())


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (an_answer(), PanelMisconfigured),
        (an_answer(LOGIN), PanelMisconfigured),
        (an_answer("no config found"), PanelMisconfigured),
        (an_answer(NGINX, status=404), PanelMisconfigured),
        (an_answer(status=302), PanelMisconfigured),
        (an_answer(status=403), PanelMisconfigured),
        (an_answer(status=413), PanelMisconfigured),
        (a_refusal("PARAMETER ERROR (user/pass)"), PanelMisconfigured),
        (an_answer(status=503), PanelUnavailable),
        (an_answer(status=429), PanelUnavailable),
        (an_answer(status=500), PanelUnavailable),
        (an_answer(status=502), PanelUnavailable),
        (an_answer(NOTICE + '{"error":"MySQL: Connection refused"}'), PanelUnavailable),
        (an_answer('{"result":true'), PanelUnavailable),
        (an_answer('{"result":true,"user_info":{}}', content_encoding="br"), PanelUnavailable),
        (an_answer("[]"), PanelUnavailable),
        (an_answer('{"result":true}'), PanelUnavailable),
        (an_answer('{"result":true,"user_info":[]}'), PanelUnavailable),
        (an_answer('{"result":true,"user_info":[],"error":"x"}'), PanelUnavailable),
        (a_refusal("SOMETHING NEW"), PanelUnavailable),
        (a_refusal("PARAMETER ERROR"), PanelUnavailable),
        (an_answer('{"result":false,"0":"SOMETHING NEW"}'), PanelUnavailable),
    ],
)  # fmt: skip
def test_a_read_without_a_usable_answer(answer: Answer, error: type[GatewayError]) -> None:
    with pytest.raises(error):
        lines.decode_info(answer, an_info())


@pytest.mark.parametrize("body", ['{"result":false}', '{"result":false,"error":"NOT EXISTS"}'])
def test_a_line_that_the_panel_does_not_know(body: str) -> None:
    assert lines.decode_info(an_answer(body), an_info()) == NotOnPanel()


def test_no_error_repeats_what_the_panel_said() -> None:
    answer = an_answer('{"result":false,"error":"Access denied for user \'root\'"}')
    for decode in (
        lambda: lines.decode_create(answer, a_create()),
        lambda: lines.decode_edit(answer, an_edit()),
        lambda: lines.decode_info(answer, an_info()),
    ):
        with pytest.raises(GatewayError) as caught:
            decode()
        assert "root" not in str(caught.value)
