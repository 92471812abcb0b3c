"""What a load took is known only after its commit: a completed job may still take in its measurements."""

from alembic import op

revision = "0003"
down_revision = "0002"

BEFORE = "to_jsonb(NEW) - free IS DISTINCT FROM to_jsonb(OLD) - free"
AFTER = "sluice.unmeasured(to_jsonb(NEW)) - free IS DISTINCT FROM sluice.unmeasured(to_jsonb(OLD)) - free"
UNMEASURED = """
CREATE FUNCTION sluice.unmeasured(job jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE RETURN
    job #- '{result_data,seconds}' #- '{result_data,rows_per_second}' #- '{result_data,peak_memory_mb}'
"""
# The guard as it stands, with one condition replaced.
REPLACE = """
DO $do$ BEGIN
    EXECUTE replace(pg_get_functiondef('sluice.guard_job()'::regprocedure), '{}', '{}');
END $do$
"""


def upgrade() -> None:
    op.execute(UNMEASURED)
    op.execute(REPLACE.format(BEFORE, AFTER))


def downgrade() -> None:
    op.execute(REPLACE.format(AFTER, BEFORE))
    op.execute("DROP FUNCTION sluice.unmeasured(jsonb)")
