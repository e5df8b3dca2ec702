"""Secrets of clients: what one looks like, and which ones a client knows."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain.clients import client_secret_digest, new_client_secret
from gateway.domain.secrets import SystemRandom
from tests.factories import NOW, a_client
from tests.keys import EC

SECRET, FORMER = "xgs_" + "a" * 43, "xgs_" + "b" * 43


def test_a_secret_is_a_prefix_and_43_letters_and_digits() -> None:
    made = {new_client_secret(SystemRandom().text).reveal() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"xgs_[A-Za-z0-9]{43}", secret) for secret in made)


def test_a_client_knows_its_secret_and_no_other() -> None:
    client = a_client(secret_digest=client_secret_digest(SECRET))
    assert client.knows(SECRET, NOW)
    for wrong in (FORMER, "", SECRET[:-1], SECRET.upper(), SECRET + "a", "é", "\x00"):
        assert not client.knows(wrong, NOW)


def test_a_former_secret_is_good_until_its_end() -> None:
    client = a_client(
        secret_digest=client_secret_digest(SECRET),
        former_digest=client_secret_digest(FORMER),
        former_ends_at=NOW,
    )
    assert client.knows(FORMER, NOW - timedelta(microseconds=1))
    assert not client.knows(FORMER, NOW)
    assert client.knows(SECRET, NOW)
    assert not replace(client, former_ends_at=None).knows(FORMER, NOW - timedelta(days=1))


@pytest.mark.parametrize("secret", [SECRET, "", FORMER])
def test_a_client_with_keys_of_its_own_or_without_a_secret_knows_none(secret: str) -> None:
    assert not a_client(secret_digest=None).knows(secret, NOW)
    digest = client_secret_digest(SECRET)
    assert not a_client(secret_digest=digest, jwks={"keys": [EC]}).knows(secret, NOW)


def test_no_digest_is_shown() -> None:
    shown = repr(a_client(secret_digest=b"current-digest", former_digest=b"former-digest"))
    assert "current-digest" not in shown
    assert "former-digest" not in shown
