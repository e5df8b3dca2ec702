"""Lists of addresses and networks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.identity.addresses import is_allowed


@pytest.mark.parametrize(
    ("ip", "allowed"),
    [
        ("203.0.113.7", ()),
        (None, ()),
        ("203.0.113.7", ("203.0.113.7",)),
        ("203.0.113.7", ("198.51.100.1", "203.0.113.0/24")),
        ("203.0.113.7", ("203.0.113.9/24",)),  # Bits beyond the mask do not matter.
        ("203.0.113.7", (" 203.0.113.7 ",)),
        ("::ffff:203.0.113.7", ("203.0.113.0/24",)),
        ("203.0.113.7", ("::ffff:203.0.113.7",)),
        ("203.0.113.7", ("::ffff:203.0.113.0/120",)),
        ("2001:db8::1", ("2001:db8::/32",)),
        ("2001:0DB8:0::1", ("2001:db8::1",)),
        ("203.0.113.7", ("0.0.0.0/0",)),
    ],
)
def test_allowed(ip: str | None, allowed: tuple[str, ...]) -> None:
    assert is_allowed(ip, allowed)


@pytest.mark.parametrize(
    ("ip", "allowed"),
    [
        (None, ("203.0.113.7",)),
        ("", ("203.0.113.7",)),
        ("unix", ("203.0.113.7",)),
        ("203.0.113.8", ("203.0.113.7",)),
        ("203.0.113.8", ("nonsense",)),
        ("203.0.113.8", ("",)),
        ("::ffff:203.0.113.8", ("203.0.113.7",)),
        ("2001:db8::1", ("0.0.0.0/0",)),
        ("203.0.113.8", ("2001:db8::/32",)),
        ("203.0.113.8, 203.0.113.7", ("203.0.113.7",)),
        ("203.0.113.007", ("203.0.113.7",)),
        ("fe80::1", ("::ffff:0:0/96",)),
    ],
)
def test_not_allowed(ip: str | None, allowed: tuple[str, ...]) -> None:
    assert not is_allowed(ip, allowed)


@given(ip=st.text(max_size=60), allowed=st.lists(st.text(max_size=60), max_size=4))
def test_any_texts_are_an_answer_not_an_error(ip: str, allowed: list[str]) -> None:
    assert is_allowed(ip, tuple(allowed)) in {True, False}


@given(st.ip_addresses(v=4))
def test_both_forms_of_an_address_are_the_same(address: object) -> None:
    for ip in (f"{address}", f"::ffff:{address}"):
        for entry in (f"{address}", f"::ffff:{address}", f"{address}/32"):
            assert is_allowed(ip, (entry,))
