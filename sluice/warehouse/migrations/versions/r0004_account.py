"""Each load keeps what its reader left out and mended."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute("ALTER TABLE sluice.loads ADD COLUMN account JSONB DEFAULT '{}'::jsonb NOT NULL")


def downgrade() -> None:
    op.execute("ALTER TABLE sluice.loads DROP COLUMN account")
