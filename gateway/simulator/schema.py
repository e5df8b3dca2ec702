"""The panel's tables: their columns in order, and what a fresh panel holds.

Column names, order and defaults decide what answers look like, so they stand here as data.
"""

from __future__ import annotations

from typing import Any, Final

from gateway.simulator.coercion import Cell, Column
from gateway.simulator.tables import Table, Tables


def _text(name: str, length: int | None = None, default: Cell = "") -> Column:
    return Column(name, "text", default, length)


def _may_be_null(name: str, length: int | None = None) -> Column:
    return Column(name, "text", None, length, nullable=True)


def _required(name: str, length: int | None = None) -> Column:
    return Column(name, "text", None, length, required=True)


def _int(name: str, default: Cell = 0) -> Column:
    return Column(name, "int32", default, nullable=default is None)


def _flag(name: str) -> Column:
    return Column(name, "int8", 0)


USERS: Final = (
    _int("id"),
    _int("member_id", None),
    _required("username", 255),
    _required("password", 255),
    _int("exp_date", None),
    _int("admin_enabled", 1),
    _int("enabled", 1),
    _required("admin_notes"),
    _required("reseller_notes"),
    _required("bouquet"),
    _int("max_connections", 1),
    _flag("is_restreamer"),
    _required("allowed_ips"),
    _required("allowed_ua"),
    _flag("is_trial"),
    _int("created_at"),
    _int("created_by"),
    _int("pair_id", None),
    _flag("is_mag"),
    _flag("is_e2"),
    _int("force_server_id"),
    _flag("is_isplock"),
    _may_be_null("as_number", 30),
    _may_be_null("isp_desc"),
    _required("forced_country", 3),
    _flag("is_stalker"),
    _flag("bypass_ua"),
    _required("play_token"),
)

_NULL: Final = object()
_REQUIRED: Final = object()
_DEVICE_DEFAULTS: Final[dict[str, Any]] = {
    "bright": 200,
    "contrast": 127,
    "saturation": 127,
    "aspect": _REQUIRED,
    "video_out": "rca",
    "volume": 50,
    "playback_buffer_bytes": 0,
    "playback_buffer_size": 0,
    "audio_out": 1,
    "mac": "",
    "ip": _NULL,
    "ls": _NULL,
    "ver": _NULL,
    "lang": _NULL,
    "locale": "en_GB.utf8",
    "city_id": 0,
    "hd": 1,
    "main_notify": 1,
    "fav_itv_on": 0,
    "now_playing_start": _NULL,
    "now_playing_type": 0,
    "now_playing_content": _NULL,
    "time_last_play_tv": _NULL,
    "time_last_play_video": _NULL,
    "hd_content": 1,
    "image_version": _NULL,
    "last_change_status": _NULL,
    "last_start": _NULL,
    "last_active": _NULL,
    "keep_alive": _NULL,
    "playback_limit": 3,
    "screensaver_delay": 10,
    "stb_type": _REQUIRED,
    "sn": _NULL,
    "last_watchdog": _NULL,
    "created": 0,
    "country": _NULL,
    "plasma_saving": 0,
    "ts_enabled": 0,
    "ts_enable_icon": 1,
    "ts_path": _NULL,
    "ts_max_length": 3600,
    "ts_buffer_use": "cyclic",
    "ts_action_on_exit": "no_save",
    "ts_delay": "on_pause",
    "video_clock": "Off",
    "rtsp_type": 4,
    "rtsp_flags": 0,
    "stb_lang": "en",
    "display_menu_after_loading": 1,
    "record_max_length": 180,
    "plasma_saving_timeout": 600,
    "now_playing_link_id": _NULL,
    "now_playing_streamer_id": _NULL,
    "device_id": _NULL,
    "device_id2": _NULL,
    "hw_version": _NULL,
    "parent_password": "0000",
    "spdif_mode": 1,
    "show_after_loading": "main_menu",
    "play_in_preview_by_ok": 1,
    "hdmi_event_reaction": 1,
    "mag_player": "ffmpeg",
    "play_in_preview_only_by_ok": "true",
    "watchdog_timeout": _REQUIRED,
    "fav_channels": _REQUIRED,
    "tv_archive_continued": _REQUIRED,
    "tv_channel_default_aspect": "fit",
    "last_itv_id": 0,
    "units": "metric",
    "token": "",
    "lock_device": 0,
}


def _device_column(name: str, default: Any) -> Column:  # noqa: ANN401 - marks beside values.
    if default is _NULL:
        return _may_be_null(name)
    if default is _REQUIRED:
        if name == "watchdog_timeout":
            return Column(name, "int32", None, required=True)
        return _required(name)
    if isinstance(default, int):
        return _int(name, default)
    return _text(name, 50 if name == "mac" else None, default)


MAG_DEVICES: Final = (
    _int("mag_id"),
    _int("user_id"),
    *(_device_column(name, default) for name, default in _DEVICE_DEFAULTS.items()),
)
USER_OUTPUT: Final = (_int("id"), _int("user_id"), _int("access_output_id"))
REG_USERS: Final = (
    _int("id"),
    _text("username", 50),
    _text("email"),
    _may_be_null("ip"),
    _int("date_registered"),
    _int("last_login", None),
    _int("member_group_id"),
    Column("credits", "float32", 0.0),
    _int("status", 1),
    _int("owner_id"),
)
REG_USERLOG: Final = (
    _int("id"),
    _int("owner"),
    _text("username"),
    _text("password"),
    _int("date"),
    _text("type"),
)
PANEL_LOGS: Final = (_int("id"), _text("type"), _text("log_message"), _int("date"))
BOUQUETS: Final = (
    _int("id"),
    _text("bouquet_name"),
    _text("bouquet_channels"),
    _text("bouquet_series"),
)
STREAMS: Final = (_int("id"), _int("type"), _text("stream_display_name"))
STREAMS_SYS: Final = (
    _int("server_stream_id"),
    _int("stream_id"),
    _int("server_id"),
    _int("pid", None),
    _int("stream_status"),
)
SERVERS: Final = (
    _int("id"),
    _text("server_name"),
    _text("server_ip"),
    _int("status"),
    _may_be_null("server_hardware"),
)
LINES_LIVE: Final = (
    _int("activity_id"),
    _int("user_id"),
    _int("stream_id"),
    _int("server_id"),
    _text("user_ip"),
    _text("container"),
    _int("date_start"),
)
BLOCKED_IPS: Final = (_int("id"), _text("ip"), _text("notes"), _int("date"))
SETTINGS: Final = (_int("id"), _text("name"), _text("value"))

ACCESS_OUTPUT: Final = {
    1: ("HLS", "m3u8", "m3u8"),
    2: ("MPEGTS", "ts", "ts"),
    3: ("RTMP", "rtmp", ""),
}
MEMBER_GROUPS: Final = {1: "Channel Admin", 4: "Resellers"}

HARDWARE: Final = (
    '{"total_ram":8166960,"total_used":1200000,"cores":2,"threads":2,"kernel":"5.15",'
    '"total_running_streams":0,"cpu_name":"Test CPU","cpu_usage":1,"network_speed":1000,'
    '"bytes_sent":0,"bytes_received":0}'
)

START_DATA: Final[dict[str, tuple[dict[str, Cell], ...]]] = {
    "reg_users": (
        {
            "username": "admin",
            "email": "admin@example.org",
            "ip": "127.0.0.1",
            "date_registered": 1_500_000_000,
            "last_login": 1_600_000_000,
            "member_group_id": 1,
            "credits": 0.0,
        },
        {
            "username": "reseller1",
            "email": "r1@example.org",
            "date_registered": 1_500_000_000,
            "member_group_id": 4,
            "credits": 10.5,
        },
    ),
    "bouquets": (
        {"bouquet_name": "Basic", "bouquet_channels": "[1,2,3]", "bouquet_series": "[]"},
        {"bouquet_name": "Sport", "bouquet_channels": "[3,4]", "bouquet_series": "[]"},
        {"bouquet_name": "Movies & Series", "bouquet_channels": '["5"]', "bouquet_series": "[1]"},
    ),
    "streams": (
        {"type": 1, "stream_display_name": "News 1"},
        {"type": 1, "stream_display_name": "Żółć TV <HD>"},
        {"type": 1, "stream_display_name": "Sport 1"},
        {"type": 1, "stream_display_name": "Sport 2"},
        {"type": 2, "stream_display_name": "Movie"},
    ),
    "servers": (
        {
            "server_name": "Main Server",
            "server_ip": "127.0.0.1",
            "status": 1,
            "server_hardware": HARDWARE,
        },
        {"server_name": 'LB "Süd" 2', "server_ip": "192.0.2.2", "status": 0},
    ),
}


def fresh_tables(extra_columns: tuple[Column, ...] = ()) -> Tables:
    """Return the tables of a panel that has just been installed."""
    tables = Tables(
        Table("users", USERS + extra_columns, text_index="username"),
        Table("mag_devices", MAG_DEVICES, text_index="mac"),
        Table("user_output", USER_OUTPUT, number_index="user_id"),
        Table("reg_users", REG_USERS, text_index="username"),
        Table("reg_userlog", REG_USERLOG),
        Table("panel_logs", PANEL_LOGS),
        Table("bouquets", BOUQUETS),
        Table("streams", STREAMS),
        Table("streams_sys", STREAMS_SYS),
        Table("servers", SERVERS),
        Table("lines_live", LINES_LIVE, number_index="user_id"),
        Table("blocked_ips", BLOCKED_IPS),
        Table("settings", SETTINGS),
    )
    for name, rows in START_DATA.items():
        for row in rows:
            tables[name].insert(row, strict=False)
    return tables
