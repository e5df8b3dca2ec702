"""Lines, as a noun."""

from __future__ import annotations

from typing import Any

from gateway.domain.calls import (
    CreateLine,
    Creation,
    Credentials,
    EditLine,
    GetLineInfo,
    LineInfo,
)
from gateway.domain.errors import CredentialsOutOfSync, GatewayError
from gateway.domain.ids import IdKind
from gateway.domain.lines import Line, ObservedLine
from gateway.domain.panels import Panel, SuspendBy
from gateway.domain.resellers import Policy
from gateway.domain.subscriptions import ObservedInfo
from gateway.services.noun import AnyEdit, Noun
from gateway.services.ports.store import Store
from gateway.services.ports.subscriptions_store import Subscriptions


class LineNoun(Noun[Line, ObservedLine]):
    """The panel finds a line by username and password."""

    word = "line"
    id_kind = IdKind.LINE
    edit_type = EditLine
    info_type = LineInfo
    observed_type = ObservedLine

    def rows(self, store: Store) -> Subscriptions[Line]:
        return store.lines

    def id_of(self, resource: Line) -> str:
        return resource.id

    def read(self, resource: Line) -> GetLineInfo:
        return GetLineInfo(credentials=resource.credentials)

    def read_after(self, call: Creation | AnyEdit) -> GetLineInfo:
        if not isinstance(call, CreateLine | EditLine):
            raise TypeError("not a change of a line")
        credentials = call.credentials
        if isinstance(call, EditLine) and call.new_password:
            credentials = Credentials(username=credentials.username, password=call.new_password)
        return GetLineInfo(credentials=credentials)

    def edit(self, resource: Line, **fields: Any) -> EditLine:  # noqa: ANN401 - Edit's fields
        return EditLine(credentials=resource.credentials, **fields)

    def disabling(self, made: Creation) -> EditLine:
        if not isinstance(made, CreateLine):
            raise TypeError("not the creation of a line")
        return EditLine(credentials=made.credentials, enabled=False)

    def observed(self, resource: Line, info: ObservedInfo | None) -> ObservedLine:
        return ObservedLine(line=resource, info=info)

    def suspends_by(self, panel: Panel) -> SuspendBy:
        return panel.suspends_lines_by

    def limit_of(self, policy: Policy) -> int | None:
        return policy.max_lines

    def gone(self) -> GatewayError:
        return CredentialsOutOfSync("The panel does not know this line by its stored credentials.")


LINES = LineNoun()
