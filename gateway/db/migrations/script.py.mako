"""${message}.

Say what and why in a sentence or two; one concern.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.db.columns import Id, Json, UtcDateTime, bytewise
from gateway.db.migrations.steps import limit_locks
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    limit_locks()
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    limit_locks()
    ${downgrades if downgrades else "pass"}
