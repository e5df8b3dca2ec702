"""The keyring: what is sealed opens only unchanged, in its place, under its key."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.db.encryption import Keyring, key_id_of
from gateway.services.ports.sealer import SealBrokenError

ONE, TWO = ("one", b"1" * 32), ("two", b"2" * 32)
RING = Keyring([ONE, TWO])


@given(plain=st.binary(), place=st.text())
def test_what_is_sealed_opens_in_its_place(plain: bytes, place: str) -> None:
    sealed = RING.seal(plain, place)
    assert RING.unseal(sealed, place) == plain
    assert key_id_of(sealed) == "one"
    with pytest.raises(SealBrokenError):
        RING.unseal(sealed, place + "x")


@given(data=st.data())
def test_any_changed_bit_breaks_the_seal(data: st.DataObject) -> None:
    sealed = bytearray(RING.seal(b"secret", "lines.password:1"))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(SealBrokenError):
        RING.unseal(bytes(sealed), "lines.password:1")


@given(garbage=st.binary(max_size=80))
def test_garbage_does_not_open(garbage: bytes) -> None:
    with pytest.raises(SealBrokenError):
        RING.unseal(garbage, "place")
    with pytest.raises(SealBrokenError):
        RING.unseal(b"\x01\x03one" + garbage, "place")


def test_the_same_value_never_seals_to_the_same_bytes() -> None:
    assert RING.seal(b"x", "place") != RING.seal(b"x", "place")


def test_a_rotated_keyring_opens_old_seals_and_makes_new_ones() -> None:
    old = Keyring([ONE]).seal(b"x", "place")
    new = Keyring([TWO, ONE])
    assert new.unseal(old, "place") == b"x"
    assert not new.is_primary(old)
    assert new.is_primary(new.seal(b"x", "place"))


def test_a_seal_of_a_lost_key_says_where_it_lies() -> None:
    sealed = Keyring([ONE]).seal(b"x", "lines.password:1")
    with pytest.raises(SealBrokenError, match=r"lines\.password:1 .*not configured"):
        Keyring([TWO]).unseal(sealed, "lines.password:1")


def test_two_keys_of_one_id_do_not_open_each_others_seals() -> None:
    sealed = Keyring([("k", b"1" * 32)]).seal(b"x", "place")
    with pytest.raises(SealBrokenError):
        Keyring([("k", b"2" * 32)]).unseal(sealed, "place")


@given(data=st.binary(), purpose=st.text())
def test_a_digest_matches_its_data_and_purpose_only(data: bytes, purpose: str) -> None:
    digest = RING.digest(data, purpose)
    assert RING.matches(digest, data, purpose)
    assert not RING.matches(digest, data + b"x", purpose)
    assert not RING.matches(digest, data, purpose + "x")
    assert not RING.matches(digest[:-1], data, purpose)


def test_purpose_and_data_cannot_be_shifted_into_each_other() -> None:
    assert RING.digest(b"bc", "a") != RING.digest(b"c", "ab")


def test_a_digest_outlives_a_rotation_but_not_its_key() -> None:
    digest = Keyring([ONE]).digest(b"x", "idempotency")
    assert digest.startswith("one:")
    assert Keyring([TWO, ONE]).matches(digest, b"x", "idempotency")
    assert not Keyring([TWO]).matches(digest, b"x", "idempotency")
    assert not Keyring([TWO]).matches("é", b"x", "idempotency")


def encoded(key: bytes) -> str:
    return base64.b64encode(key).decode()


def test_keys_are_read_from_the_setting() -> None:
    ring = Keyring.parse([f" two:{encoded(TWO[1])}\n", f"one:{encoded(ONE[1])}"])
    assert ring.unseal(RING.seal(b"x", "p"), "p") == b"x"
    assert ring.primary_id == "two"


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([], "at least one encryption key is needed"),
        (["SECRET"], "encryption key 1 has not the form id:base64"),
        ([f"a:{encoded(b'1' * 32)}", "b:SECRET!"], "encryption key 2 is not base64"),
        ([f"a:{encoded(b'SECRET')}"], "the encryption key a must be 32 bytes, not 6"),
        ([f"a b:{encoded(b'1' * 32)}"], "an encryption key's id is 1 to 32"),
        ([f":{encoded(b'1' * 32)}"], "an encryption key's id is 1 to 32"),
        ([f"a:{encoded(b'1' * 32)}"] * 2, "the encryption key id a is used twice"),
    ],
)
def test_a_bad_setting_is_told_without_the_secret(texts: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        Keyring.parse(texts)
    assert "SECRET" not in str(caught.value)
    assert encoded(b"SECRET") not in str(caught.value)


def test_a_keyring_shows_ids_only() -> None:
    assert repr(RING) == "Keyring(one, two)"
