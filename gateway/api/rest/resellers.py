"""`/v1/resellers`: tenants, made and bounded by operators."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, Strict

from gateway.api.rest.policy_shapes import PolicyIn, PolicyOut, PolicyPatch, policy_out
from gateway.api.rest.query import PageQuery
from gateway.api.rest.routing import get, mapped, mapped_page, patch, post
from gateway.api.rest.shapes import Out, Time
from gateway.api.rest.wire import (
    Metadata,
    MetadataPatch,
    Name,
    PanelInt,
    PanelRef,
    Patch,
    ResellerRef,
    Wire,
    example,
)
from gateway.domain.caller import Permission
from gateway.domain.errors import NotFound
from gateway.domain.ids import IdKind, ResellerId
from gateway.domain.paging import Page
from gateway.domain.resellers import (
    NewReseller,
    PanelAccount,
    Reseller,
    ResellerChanges,
    ResellerState,
)
from gateway.services import resellers
from gateway.services.context import Context, Outcome


class PanelAccountIn(Wire):
    """The reseller's account on a panel; `member_id` is the panel's number of it."""

    panel_id: PanelRef
    member_id: PanelInt

    def to_account(self) -> PanelAccount:
        """Return the account in the services' words."""
        return PanelAccount(panel_id=self.panel_id, member_id=self.member_id)


PanelAccounts = Annotated[tuple[PanelAccountIn, ...], Strict(strict=False), Field(max_length=100)]
_DEFAULT_POLICY = PolicyIn()


class ResellerCreate(Wire):
    """A reseller to make. With `parent_id` it stands below another."""

    model_config = example(
        name="Ann's TV",
        panel_accounts=[{"panel_id": "pnl_0123456789abcdefghjkmnpqrs", "member_id": 7}],
        policy={"panel_ids": ["pnl_0123456789abcdefghjkmnpqrs"], "max_connections": 2},
    )

    name: Name
    parent_id: ResellerRef | None = None
    panel_accounts: PanelAccounts = ()
    policy: PolicyIn = _DEFAULT_POLICY
    metadata: Metadata = Field(default_factory=dict)

    def to_new_reseller(self) -> NewReseller:
        """Return what the caller asks for, in the services' words."""
        return NewReseller(
            name=self.name,
            parent_id=self.parent_id,
            panel_accounts=tuple(account.to_account() for account in self.panel_accounts),
            policy=self.policy.to_policy(),
            metadata=self.metadata,
        )


class ResellerPatch(Patch):
    """What may change of a reseller; `policy` and `metadata` merge member by member."""

    model_config = example(policy={"max_lines": 500})

    name: Name = ""
    panel_accounts: PanelAccounts = ()
    policy: PolicyPatch = PolicyPatch()
    metadata: MetadataPatch = Field(default_factory=dict)

    def to_changes(self) -> ResellerChanges:
        """Return what is to change, in the services' words."""
        given = self.given()
        if "panel_accounts" in given:
            given["panel_accounts"] = tuple(a.to_account() for a in self.panel_accounts)
        if "policy" in given:
            given["policy"] = self.policy.changes()
        return ResellerChanges(**given)


class ResellerQuery(PageQuery):
    """Which resellers to list."""

    kind: ClassVar[IdKind] = IdKind.RESELLER


class PanelAccountOut(Out, frozen=True, kw_only=True):
    """The reseller's account on a panel; `member_id` is the panel's number of it."""

    panel_id: str
    member_id: int


class ResellerOut(Out, frozen=True, kw_only=True):
    """A tenant who owns lines. `parent_id` null: right below the operator."""

    id: str
    object: str = "reseller"
    name: str
    parent_id: str | None
    state: ResellerState
    panel_accounts: tuple[PanelAccountOut, ...]
    policy: PolicyOut
    metadata: dict[str, str]
    version: int
    created_at: Time
    updated_at: Time


@post(
    "/v1/resellers",
    status=201,
    needs=Permission.RESELLERS_WRITE,
    raises=(NotFound,),
)
async def create_reseller(context: Context, body: ResellerCreate) -> Outcome[ResellerOut]:
    """Create a reseller."""
    made = await resellers.create_reseller(context, body.to_new_reseller())
    return mapped(made, reseller_out)


@get("/v1/resellers", needs=Permission.RESELLERS_READ)
async def list_resellers(context: Context, query: ResellerQuery) -> Page[ResellerOut]:
    """List resellers, newest first."""
    return mapped_page(await resellers.list_resellers(context, query.page), reseller_out)


@get("/v1/resellers/{reseller_id}", needs=Permission.RESELLERS_READ, raises=(NotFound,))
async def get_reseller(context: Context, reseller_id: ResellerId) -> ResellerOut:
    """Read a reseller."""
    return reseller_out(await resellers.get_reseller(context, reseller_id))


@patch("/v1/resellers/{reseller_id}", needs=Permission.RESELLERS_WRITE, raises=(NotFound,))
async def change_reseller(
    context: Context, reseller_id: ResellerId, body: ResellerPatch
) -> Outcome[ResellerOut]:
    """Change the named fields of a reseller."""
    changed = await resellers.change_reseller(context, reseller_id, body.to_changes())
    return mapped(changed, reseller_out)


@post(
    "/v1/resellers/{reseller_id}/suspend",
    needs=Permission.RESELLERS_WRITE,
    raises=(NotFound,),
    is_versioned=True,
)
async def suspend_reseller(context: Context, reseller_id: ResellerId) -> Outcome[ResellerOut]:
    """Let a reseller, and those below, only read. Its lines play on. Safe to repeat."""
    return mapped(await resellers.suspend_reseller(context, reseller_id), reseller_out)


@post(
    "/v1/resellers/{reseller_id}/resume",
    needs=Permission.RESELLERS_WRITE,
    raises=(NotFound,),
    is_versioned=True,
)
async def resume_reseller(context: Context, reseller_id: ResellerId) -> Outcome[ResellerOut]:
    """Let a suspended reseller change things again. Safe to repeat."""
    return mapped(await resellers.resume_reseller(context, reseller_id), reseller_out)


def reseller_out(reseller: Reseller) -> ResellerOut:
    """Return the public shape of *reseller*."""
    return ResellerOut(
        id=reseller.id,
        name=reseller.name,
        parent_id=reseller.parent_id,
        state=reseller.state,
        panel_accounts=tuple(
            PanelAccountOut(panel_id=account.panel_id, member_id=account.member_id)
            for account in reseller.panel_accounts
        ),
        policy=policy_out(reseller.effective_policy),
        metadata=reseller.metadata,
        version=reseller.version,
        created_at=reseller.created_at,
        updated_at=reseller.updated_at,
    )
