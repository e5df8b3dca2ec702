"""The settings of foreign issuers; docs/issuers.md explains them."""

from __future__ import annotations

from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from gateway.domain.caller import Permission
from gateway.domain.ids import IdKind, is_id
from gateway.identity.urls import is_fetchable

ALGORITHMS: Final = frozenset({"RS256", "PS256", "ES256", "EdDSA", "Ed25519"})
TOKEN_TYPES: Final = frozenset({"at+jwt", "jwt"})
OPERATOR: Final = "operator"

#: What may stand in a claim.
Word = Annotated[str, Field(min_length=1, max_length=255)]


class IssuerSettings(BaseModel):
    """One foreign issuer. The descriptions are shown in docs/issuers.md."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: str = Field(
        max_length=255,
        description="The exact `iss` of its tokens; its discovery document is found from it.",
    )
    audience: str = Field(
        min_length=1, max_length=255, description="What must be among the `aud` of its tokens."
    )
    algorithms: tuple[str, ...] = Field(
        ("RS256",),
        min_length=1,
        description="How its tokens may be signed: `RS256`, `PS256`, `ES256`, `EdDSA`, `Ed25519`.",
    )
    token_types: tuple[str, ...] = Field(
        ("at+jwt", "JWT"),
        min_length=1,
        description="What `typ` in the header of its tokens may be: `at+jwt`, `JWT`.",
    )
    jwks_url: str | None = Field(
        None, description="Where its keys are; none: its discovery document says so."
    )
    lifetime_seconds_max: int = Field(
        86_400, ge=60, le=7 * 86_400, description="How long its tokens may live; seconds."
    )
    reseller_claim: str = Field(
        min_length=1,
        max_length=255,
        description="The claim, or the path with dots, that says whom a token speaks for.",
    )
    resellers: dict[Word, str] = Field(
        default_factory=dict,
        description="What each value of that claim stands for: a reseller's id, or `operator`. "
        "Empty: the values are ids of resellers.",
    )
    permissions_claim: str = Field(
        "scope",
        min_length=1,
        max_length=255,
        description="The claim, or the path with dots, that has the permissions: a list, or a text "
        "with blanks.",
    )
    permissions: dict[Word, tuple[Permission, ...]] = Field(
        default_factory=dict,
        description="Which permissions each word of that claim stands for. Empty: the words are "
        "permissions.",
    )
    dangerous_http: bool = Field(
        False, description="Take `http://` addresses of this very machine, for trying things out."
    )

    @field_validator("algorithms")
    @classmethod
    def _known_algorithms(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        if not ALGORITHMS.issuperset(given):
            raise ValueError(f"must be some of {', '.join(sorted(ALGORITHMS))}")
        return given

    @field_validator("token_types")
    @classmethod
    def _known_types(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        if not TOKEN_TYPES.issuperset(each.lower() for each in given):
            raise ValueError("must be some of at+jwt, JWT")
        return given

    @field_validator("resellers")
    @classmethod
    def _known_resellers(cls, given: dict[str, str]) -> dict[str, str]:
        if not all(each == OPERATOR or is_id(IdKind.RESELLER, each) for each in given.values()):
            raise ValueError("must map to ids of resellers, or to operator")
        return given

    @model_validator(mode="after")
    def _safe_addresses(self) -> Self:
        for url in (self.url, self.jwks_url):
            if url is not None and not is_fetchable(url, dangerous_http=self.dangerous_http):
                raise ValueError(
                    "url and jwks_url must be https, or with dangerous_http http of this machine"
                )
        return self

    def __str__(self) -> str:
        return self.url


def check_distinct(issuers: tuple[IssuerSettings, ...]) -> tuple[IssuerSettings, ...]:
    """Return *issuers*; one that stands there twice is a mistake.

    Raises:
        ValueError: two have the same url.
    """
    if len({issuer.url for issuer in issuers}) != len(issuers):
        raise ValueError("each url may stand there once")
    return issuers
