"""Secrets and signatures of Standard Webhooks."""

from __future__ import annotations

import base64

import pytest

from gateway.domain.standard_webhooks import secret_key, secret_text, signature_v1


def test_the_specifications_own_example_is_signed_alike() -> None:
    key = secret_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signature = signature_v1(
        key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("count", [24, 64])
def test_a_secret_is_read_as_it_was_written(count: int) -> None:
    key = bytes(range(count))
    assert secret_key(secret_text(key)) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "whsec_",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS-",
        "whsec_" + base64.b64encode(bytes(23)).decode(),
        "whsec_" + base64.b64encode(bytes(65)).decode(),
    ],
)
def test_another_form_is_no_secret(text: str) -> None:
    with pytest.raises(ValueError, match=r"whsec_|bytes|padding|base64|Non-base64|Incorrect"):
        secret_key(text)
