"""The vocabulary: what can be asked of any panel, and what it can answer.

A dialect turns a call into a form and an answer into a result. Times are aware UTC; `expires_at`
None means never. `UNCHANGED` marks a field that an edit leaves alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from msgspec import UNSET as UNCHANGED
from msgspec import UnsetType as Unchanged

from gateway.domain.secrets import Secret

__all__ = ["UNCHANGED", "Unchanged"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The pair by which a v2 panel finds a line."""

    username: str
    password: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Creation:
    """The values of a line or a device to make."""

    expires_at: datetime | None
    max_connections: int | None
    bouquet_ids: tuple[int, ...]
    is_trial: bool = False
    is_restreamer: bool = False
    allowed_ips: tuple[str, ...] = ()
    notes: str = ""
    admin_notes: str = ""
    member_id: int | None = None
    enabled: bool = True
    admin_enabled: bool = True
    force_server_id: int | None = None
    isp_lock: bool = False
    #: Columns that this panel has beyond the known ones: name -> value, names from its setting.
    extra: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateLine(Creation):
    """Make a line. Username and password are always given, never made by the panel.

    Answered by CreatedLine, or Taken.
    """

    credentials: Credentials
    allowed_user_agents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateDevice(Creation):
    """Make a device and the line behind it. `mac` in upper case with colons.

    Answered by CreatedDevice, or Taken.
    """

    mac: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Some fields to set to absolute values.

    A None `expires_at` means never; a dialect that cannot write that sends its sentinel.
    """

    expires_at: datetime | Unchanged | None = UNCHANGED
    max_connections: int | Unchanged | None = UNCHANGED
    bouquet_ids: tuple[int, ...] | Unchanged = UNCHANGED
    is_trial: bool | Unchanged = UNCHANGED
    is_restreamer: bool | Unchanged = UNCHANGED
    allowed_ips: tuple[str, ...] | Unchanged = UNCHANGED
    allowed_user_agents: tuple[str, ...] | Unchanged = UNCHANGED
    notes: str | Unchanged = UNCHANGED
    admin_notes: str | Unchanged = UNCHANGED
    member_id: int | Unchanged = UNCHANGED
    enabled: bool | Unchanged = UNCHANGED
    admin_enabled: bool | Unchanged = UNCHANGED
    force_server_id: int | Unchanged | None = UNCHANGED
    isp_lock: bool | Unchanged = UNCHANGED
    extra: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EditLine(Edit):
    """Change a line. Answered by Edited, or NotOnPanel."""

    credentials: Credentials
    new_password: Secret | Unchanged = UNCHANGED


@dataclass(frozen=True, slots=True, kw_only=True)
class EditDevice(Edit):
    """Change a device; its MAC cannot be changed. Answered by Edited, or Unconfirmed."""

    mac: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetLineInfo:
    """Ask everything the panel says of a line. Answered by LineInfo, or NotOnPanel."""

    credentials: Credentials


@dataclass(frozen=True, slots=True, kw_only=True)
class GetDeviceInfo:
    """Ask everything the panel says of a device. By DeviceInfo, NotOnPanel or HalfMade."""

    mac: str


@dataclass(frozen=True, slots=True)
class ListAccounts:
    """Ask for the panel's own accounts: its resellers and others. Answered by Accounts."""


@dataclass(frozen=True, slots=True)
class ListServers:
    """Ask for the panel's servers. Answered by Servers."""


@dataclass(frozen=True, slots=True)
class ListStreams:
    """Ask for the panel's live streams. Answered by Streams."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedLine:
    """The panel says it made the line."""

    panel_line_id: int


@dataclass(frozen=True, slots=True)
class CreatedDevice:
    """The panel says it made the device; it tells no ids."""


@dataclass(frozen=True, slots=True)
class Edited:
    """The panel says the edit is done, or that nothing was different."""


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """The panel says that nothing was changed: all as asked already, or no such device."""


@dataclass(frozen=True, slots=True)
class HalfMade:
    """The panel has the device, but not the line behind it, so the device plays nothing."""


@dataclass(frozen=True, slots=True)
class NotOnPanel:
    """The panel knows no such line or device."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The panel already has a line or device of this identity, and made nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """Streams now, and how many are allowed (None: no limit)."""

    active_connections: int | None
    max_connections: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Isp:
    """The internet provider that a line is locked to, as the panel learned it."""

    number: str | None
    name: str | None
    locked: bool
    violation: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LineInfo:
    """What a panel says of a line, typed. None where this panel does not say.

    `password` is never kept here. `bouquet_ids` and the two allow lists are None when the panel
    holds something that is not a list.
    """

    panel_line_id: int
    username: str
    member_id: int | None
    enabled: bool
    admin_enabled: bool
    expires_at: datetime | None
    active_connections: int | None
    max_connections: int | None
    bouquet_ids: tuple[int, ...] | None
    allowed_ips: tuple[str, ...] | None
    allowed_user_agents: tuple[str, ...] | None
    is_trial: bool
    is_restreamer: bool
    notes: str
    admin_notes: str
    created_at: datetime | None
    channel_ids: tuple[int, ...]
    series_ids: tuple[int, ...]
    output_formats: tuple[str, ...]
    pair: Connections | None
    isp: Isp
    country: str | None
    force_server_id: int | None
    pair_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceInfo(LineInfo):
    """What a panel says of a device: of the line behind it, and of the box itself."""

    panel_device_id: int
    mac: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelAccountInfo:
    """An account of the panel's own, as the panel says. Its e-mail and address are never kept.

    `credits` is a plain decimal number, which a panel tells with 6 significant digits at most;
    None where it does not say. Which group is the resellers' is not told.
    """

    id: int
    username: str
    credits: str | None
    group_id: int | None
    group_name: str
    status: int | None


@dataclass(frozen=True, slots=True)
class Accounts:
    """All accounts of the panel's own."""

    accounts: tuple[PanelAccountInfo, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelServerInfo:
    """A server of the panel; `online` None where the panel does not say."""

    id: int
    name: str
    online: bool | None


@dataclass(frozen=True, slots=True)
class Servers:
    """All servers of the panel."""

    servers: tuple[PanelServerInfo, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelStreamInfo:
    """A live stream of the panel."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Streams:
    """All live streams of the panel."""

    streams: tuple[PanelStreamInfo, ...]


ReadCall: TypeAlias = GetLineInfo | GetDeviceInfo | ListAccounts | ListServers | ListStreams
ChangeCall: TypeAlias = CreateLine | EditLine | CreateDevice | EditDevice
ReadResult: TypeAlias = LineInfo | DeviceInfo | NotOnPanel | HalfMade | Accounts | Servers | Streams
ChangeResult: TypeAlias = CreatedLine | CreatedDevice | Edited | Unconfirmed | NotOnPanel | Taken
