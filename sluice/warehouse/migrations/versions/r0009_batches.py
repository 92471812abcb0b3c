"""Batches: several small jobs may share a flow run, by which they are found; crashes are counted apart from tries."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute("ALTER TABLE sluice.outbox ADD COLUMN crashes SMALLINT DEFAULT '0' NOT NULL")
    op.execute("CREATE INDEX outbox_flow_run_id_idx ON sluice.outbox (flow_run_id)")


def downgrade() -> None:
    op.execute("DROP INDEX sluice.outbox_flow_run_id_idx")
    op.execute("ALTER TABLE sluice.outbox DROP COLUMN crashes")
