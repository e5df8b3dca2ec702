"""A secret is seen only where `reveal` is written: not in a repr, a text or a traceback."""

from __future__ import annotations

import json
import traceback
from datetime import timedelta

import pytest

from gateway.domain.audit import AuditEntry
from gateway.domain.calls import CreateLine, Credentials, EditLine
from gateway.domain.clients import IssuedClient
from gateway.domain.idempotency import Idempotency
from gateway.domain.keys import IssuedKey
from gateway.domain.lines import LineWithPassword, NewLine, ObservedLine
from gateway.domain.panels import NewPanel, PanelChanges
from gateway.domain.secrets import LETTERS_AND_DIGITS, Secret, SystemRandom
from gateway.domain.subscriptions import Term
from gateway.services.line_password import RotateRequest
from tests.factories import (
    NOW,
    a_client,
    a_kept_answer,
    a_key,
    a_line,
    a_panel,
    an_audit_entry,
    an_operation,
)

CANARY = "CANARY-s3cret"
SECRET = Secret(CANARY)
PAIR = Credentials(username="anna", password=SECRET)
KEPT = json.dumps({"password": CANARY}).encode()


@pytest.mark.parametrize("text", ["", "a", "ä", "\udc80", "x" * 1000])
def test_secrets_are_equal_when_their_texts_are(text: str) -> None:
    assert Secret(text) == Secret(text)
    assert hash(Secret(text)) == hash(Secret(text))
    assert Secret(text).equals(text)
    assert Secret(text) != Secret(text + "b")
    assert Secret(text) != text
    assert not Secret(text).equals("b" + text)


def test_a_secret_shows_nothing_of_itself() -> None:
    assert repr(SECRET) == "Secret(***)"
    for text in (
        str(SECRET),
        f"{SECRET}",
        f"{SECRET!r}",
        f"{SECRET!s}",
        format(SECRET),
    ):
        assert CANARY not in text
    assert SECRET.reveal() == CANARY


def test_secrets_are_compared_by_value() -> None:
    assert Secret(CANARY) == SECRET
    assert hash(Secret(CANARY)) == hash(SECRET)
    assert Secret("x") != SECRET
    assert SECRET.equals(CANARY)
    assert not SECRET.equals(CANARY + "x")
    assert Secret("ü").equals("ü")


def test_a_secret_cannot_be_serialised_by_accident() -> None:
    with pytest.raises(TypeError):
        json.dumps(SECRET)


@pytest.mark.parametrize(
    "holder",
    [
        PAIR,
        a_line(password=SECRET),
        NewLine(password=SECRET, term=Term(expires_at=NOW)),
        LineWithPassword(
            line=ObservedLine(line=a_line(password=SECRET), info=None), password=SECRET
        ),
        CreateLine(credentials=PAIR, expires_at=None, max_connections=1, bouquet_ids=()),
        EditLine(credentials=PAIR, new_password=SECRET),
        RotateRequest(line_id=a_line().id, password=SECRET),
        a_panel(api_pass=SECRET),
        NewPanel(name="x", dialect="xtream_v2", base_url="http://p", api_pass=SECRET),
        PanelChanges(api_pass=SECRET),
        IssuedKey(key=a_key(), secret=SECRET),
        IssuedClient(client=a_client(), secret=SECRET),
        Idempotency("order-1", KEPT),
        an_operation(request=KEPT, desired=KEPT, result=KEPT),
        a_kept_answer(result=KEPT),
    ],
    ids=lambda holder: type(holder).__name__,
)
def test_nothing_that_holds_a_secret_shows_it(holder: object) -> None:
    assert CANARY not in repr(holder)
    assert CANARY not in str(holder)
    assert CANARY not in "".join(traceback.format_exception(ValueError(holder)))


def test_an_audit_entry_has_no_place_for_a_secret() -> None:
    assert not [name for name, kind in AuditEntry.__annotations__.items() if "Secret" in str(kind)]
    assert an_audit_entry(at=NOW + timedelta(1)).at > NOW


def test_random_texts_are_letters_and_digits_and_never_the_same() -> None:
    random = SystemRandom()
    texts = [random.text(16) for _ in range(200)]
    assert len(set(texts)) == len(texts)
    assert {len(text) for text in texts} == {16}
    assert set("".join(texts)) <= set(LETTERS_AND_DIGITS)
    assert len(set("".join(texts))) > 50
    assert len({random.bytes(10) for _ in range(50)}) == 50
    assert all(0.0 <= random.uniform() < 1.0 for _ in range(200))
