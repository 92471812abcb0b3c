"""What is known of a source from its last load: how far it was read, and what its content was known by."""

from alembic import op

revision = "0011"
down_revision = "0010"

TABLES = """
CREATE TABLE sluice.source_states (
    organization_id INTEGER NOT NULL,
    dataset TEXT NOT NULL,
    source TEXT NOT NULL,
    state JSONB NOT NULL,
    job_id TEXT NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT source_states_pkey PRIMARY KEY (organization_id, dataset, source)
);
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute("SELECT sluice.protect('sluice.source_states')")
    op.execute("GRANT SELECT, DELETE ON sluice.source_states TO sluice_tenant")


def downgrade() -> None:
    op.execute("DROP TABLE sluice.source_states")
