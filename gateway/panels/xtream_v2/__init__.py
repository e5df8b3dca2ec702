"""The dialect `xtream_v2`: `api.php` of Xtream-Codes-style panels, one flat form interface."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from gateway.domain.calls import (
    CreateDevice,
    CreateLine,
    EditDevice,
    EditLine,
    GetDeviceInfo,
    GetLineInfo,
    ListAccounts,
    ListServers,
    ListStreams,
)
from gateway.panels.dialect import Dialect
from gateway.panels.xtream_v2 import answers, devices, lines, lists, probe, requests

DIALECT: Final = Dialect(
    name=probe.NAME,
    verbs=MappingProxyType(
        {
            CreateLine: lines.CREATE,
            EditLine: lines.EDIT,
            GetLineInfo: lines.INFO,
            CreateDevice: devices.CREATE,
            EditDevice: devices.EDIT,
            GetDeviceInfo: devices.INFO,
            ListAccounts: lists.ACCOUNTS,
            ListServers: lists.SERVERS,
            ListStreams: lists.STREAMS,
        }
    ),
    unsupported=frozenset(),
    request=requests.request,
    reason=answers.reason,
    shut_out=answers.shut_out,
    probe=probe.probe,
)
