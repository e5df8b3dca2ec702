"""Is what the panel shows ours? Without proof nothing is ever adopted.

A name on a panel says little: anybody may have made that line. The proof is the operation's id,
which stands in the first line of the admin notes; or, where those were lost, a password that only
we can know, because we made it and have shown it to nobody before.
"""

from __future__ import annotations

from gateway.domain.calls import LineInfo


def bears_tag(info: LineInfo, operation_id: str) -> bool:
    """Tell whether the admin notes begin with the operation's id."""
    first, _, _ = info.admin_notes.strip().partition("\n")
    return first.strip() == operation_id
