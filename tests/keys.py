"""Public keys as clients register them; nobody has their private halves."""

from __future__ import annotations

from typing import Any, Final

EC: Final[dict[str, Any]] = {
    "kty": "EC",
    "crv": "P-256",
    "x": "iYiCsW7aT6a4j2xYj3N5WdpaBYEcSfnnRCbjYxasaKM",
    "y": "ljaY199NfJyROXRdApxToYAJ2VEICc3wuSqwMLUG8g8",
    "kid": "ec-1",
}
ED25519: Final[dict[str, Any]] = {
    "kty": "OKP",
    "crv": "Ed25519",
    "x": "CKyR6C0hCVhErtwiWS2uqiGgHi27jL5xeK7BPISulic",
    "kid": "ed-1",
}
RSA: Final[dict[str, Any]] = {
    "kty": "RSA",
    "n": (
        "0K50joyI_WwdVnDnWExzCwf4KGzVf1NXtpL1uxfbSUTOTD8GCjl7NOJ6Wq8s1z1m7P4SR2f-3RKzqgHf"
        "8npuTlqIZos023sDndZJLm6LX0Zb-ATku1ynfY7oQWSD6w8JVhLDSHBl4Losct9MpOYlXZ494FK0Ko5U"
        "kHbMJuokXue_ZD-qHYezzszk3A-5CVU7UZSEH_Gqlx4eGuYniqth2CYLPq68XKgk2vPKxqYkKOhWi2DK"
        "TTVYw3LPrQabuQp2PdTq5kHn1E9TiM8o6-3X8y0SKKS35FkcH3wzFHlJ14LO3zn5riebRtyxLd27KtVS"
        "CuhVxVZXDad4rWPVEBj9nw"
    ),
    "e": "AQAB",
    "kid": "rsa-1",
}
