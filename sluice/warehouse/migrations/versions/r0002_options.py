"""Each load keeps the source options it was read with."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("ALTER TABLE sluice.loads ADD COLUMN options JSONB DEFAULT '{}'::jsonb NOT NULL")


def downgrade() -> None:
    op.execute("ALTER TABLE sluice.loads DROP COLUMN options")
