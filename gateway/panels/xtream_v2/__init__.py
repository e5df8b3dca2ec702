"""The dialect `xtream_v2`: `api.php` of Xtream-Codes-style panels, one flat form interface."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from gateway.domain.calls import CreateLine, EditLine, GetLineInfo
from gateway.panels.dialect import Dialect
from gateway.panels.xtream_v2 import answers, lines, probe, requests

DIALECT: Final = Dialect(
    name=probe.NAME,
    verbs=MappingProxyType(
        {CreateLine: lines.CREATE, EditLine: lines.EDIT, GetLineInfo: lines.INFO}
    ),
    unsupported=frozenset(),
    request=requests.request,
    reason=answers.reason,
    probe=probe.probe,
)
