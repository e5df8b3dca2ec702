"""Devices in `api.php`: stb/create, stb/edit and stb/info; their columns are in `columns.py`.

Facts, each recorded on a real panel unless marked as promised by its page:
- A device is a row with a MAC, and behind it a line with credentials that are never told.
- A create is answered with true alone: no id. A panel with a strict database says true, makes the
  line and not the device; its info then says NOT EXISTS. So true is only what the panel says.
- A MAC that is there is EXISTS. The page's sample shows NOT EXISTS in its place, but explains
  EXISTS, and no panel was seen to answer a create with it: it is unknown, as all new words are.
- An edit that changes no row is `{"result":false}` without a word: all as asked already, no such
  MAC, or no line behind it. A MAC that is there twice is a failed statement, PARAMETER ERROR.
- Create and edit turn a MAC into upper case, info does not; no spelling is checked. We send one.
- User agents are emptied on create, and kept on edit.
- The firewall looks at usernames, so it never hides a device: an empty 404 is not the panel's.
- Info shows the device in `mag_device` and its line in `user_info`, which is `[]` when the line
  is gone.
"""

from __future__ import annotations

from typing import Final

from gateway.domain.calls import (
    CreatedDevice,
    CreateDevice,
    DeviceInfo,
    EditDevice,
    Edited,
    GetDeviceInfo,
    HalfMade,
    NotOnPanel,
    Taken,
    Unconfirmed,
)
from gateway.domain.panels import Panel
from gateway.panels.dialect import Answer, Form, Verb
from gateway.panels.xtream_v2 import answers, columns, fields, values
from gateway.panels.xtream_v2.line_info import device_info


def encode_create(call: CreateDevice, panel: Panel) -> Form:
    """Return the form of a stb/create; here the MAC is one of the columns.

    Raises:
        PanelRefusedValues: the panel would change, cut or refuse a value; nothing is sent.
    """
    return columns.creation_form([("mac", fields.mac(call.mac))], call, panel)


def encode_edit(call: EditDevice, panel: Panel) -> Form:
    """Return the form of a stb/edit: the MAC that finds the device, then what is to change.

    Raises:
        PanelRefusedValues: the panel would change, cut or refuse a value, or nothing is to
            change; nothing is sent.
    """
    return columns.edit_form((("mac", fields.mac(call.mac)),), [], call, panel)


def encode_info(call: GetDeviceInfo, _panel: Panel) -> Form:
    """Return the form of a stb/info.

    Raises:
        PanelRefusedValues: the panel would look for another MAC; nothing is sent.
    """
    return (("mac", fields.mac(call.mac)),)


def decode_create(answer: Answer, _call: CreateDevice) -> CreatedDevice | Taken:
    """Return CreatedDevice or Taken; whether a device was made, info must tell.

    Raises:
        PanelRefusedValues, PanelMisconfigured: definitely refused.
        PanelOutcomeUnknown: anything else.
    """
    value = answers.change_answer(answer, gate=False)
    refusal = answers.refusal_in(value)
    if refusal == "EXISTS":
        return Taken()
    if refusal is not None:
        raise answers.refused(refusal)
    if not answers.is_success(value):
        raise answers.unknown()
    return CreatedDevice()


def decode_edit(answer: Answer, _call: EditDevice) -> Edited | Unconfirmed:
    """Return Edited, or Unconfirmed when the panel says that it changed nothing.

    NOT EXISTS, which no panel was seen to answer here, says that as well: info decides.

    Raises:
        PanelRefusedValues, PanelMisconfigured: definitely refused.
        PanelOutcomeUnknown: anything else.
    """
    value = answers.change_answer(answer, gate=False)
    refusal = answers.refusal_in(value)
    if value == {"result": False} or refusal == "NOT EXISTS":
        return Unconfirmed()
    if refusal is not None:
        raise answers.refused(refusal)
    if not answers.is_success(value):
        raise answers.unknown()
    return Edited()


def decode_info(answer: Answer, call: GetDeviceInfo) -> DeviceInfo | HalfMade | NotOnPanel:
    """Return what the panel says of the device, or NotOnPanel.

    A device without a line is neither, but HalfMade: called done, a device that plays nothing would
    be sold; called absent, it would be made again, which the panel refuses. An answer about another
    MAC tells nothing of ours.

    Raises:
        PanelUnavailable: the answer is not usable.
        PanelMisconfigured: it refuses us, or what answers is not a panel.
    """
    value = answers.info_answer(answer, gate=False)
    if value is None:
        return NotOnPanel()
    device, line = value.get("mag_device"), value.get("user_info")
    if not isinstance(device, dict) or device.get("mac") != call.mac:
        raise answers.broken()
    device_id = values.integer(device.get("mag_id"))
    if device_id is None or device_id <= 0:
        raise answers.broken()
    if line == []:
        return HalfMade()
    if not isinstance(line, dict):
        raise answers.broken()
    return device_info(line, device_id, call.mac)


CREATE: Final = Verb("stb", "create", encode_create, decode_create)
EDIT: Final = Verb("stb", "edit", encode_edit, decode_edit)
INFO: Final = Verb("stb", "info", encode_info, decode_info)
