"""Heralds: how far each organization's events were told to Prefect."""

from alembic import op

revision = "0007"
down_revision = "0006"

# What happened before there was a herald is no news.
HERALDS = """
CREATE TABLE sluice.heralds (
    organization_id INTEGER NOT NULL,
    last_event BIGINT DEFAULT '0' NOT NULL,
    CONSTRAINT heralds_pkey PRIMARY KEY (organization_id)
);
SELECT sluice.protect('sluice.heralds');
GRANT SELECT ON sluice.heralds TO sluice_tenant;
INSERT INTO sluice.heralds SELECT organization_id, max(id) FROM sluice.job_events GROUP BY organization_id;
"""


def upgrade() -> None:
    op.execute(HERALDS)


def downgrade() -> None:
    op.execute("DROP TABLE sluice.heralds")
