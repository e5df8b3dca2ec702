"""The settings of mail to the operators."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator


def _address(text: str) -> str:
    name, _, domain = text.rpartition("@")
    if not (name and domain) or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must be an address such as name@host")
    return text


Address = Annotated[str, Field(max_length=254), AfterValidator(_address)]


class SmtpSettings(BaseModel):
    """The server that takes mail for the operators."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    host: str = Field(
        "", description="Server that takes mail to the operators; empty: none is written."
    )
    port: int = Field(587, ge=1, le=65_535, description="Its port.")
    tls: str = Field(
        "starttls",
        pattern="^(none|starttls|tls)$",
        description="How the connection is kept secret: starttls (587), tls from the start (465), "
        "or none, for a server on this machine.",
    )
    username: str = Field("", description="Name to log in with; empty: no login.")
    password: SecretStr | None = Field(None, description="Password to log in with.")
    sender: Address | None = Field(None, description="Address that mail comes from.")
    to: tuple[Address, ...] = Field(
        (), max_length=20, description="Addresses that mail goes to; comma list."
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.host and (self.sender is None or not self.to):
            raise ValueError("a host needs SENDER and TO as well")
        if self.username and self.tls == "none":
            raise ValueError("a password is not sent without TLS")
        return self
