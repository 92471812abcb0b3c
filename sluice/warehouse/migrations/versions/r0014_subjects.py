"""A finished job may lose what its result and its messages tell of a person, and changes in nothing else."""

from alembic import op

revision = "0014"
down_revision = "0013"

# The setting is the erasing transaction's; who is confined to one organization can't use it.
ERASING = """
DO $do$ BEGIN
    EXECUTE replace(pg_get_functiondef('sluice.guard_job()'::regprocedure),
        'result_url, upload_url, updated_at}'';',
        'result_url, upload_url, updated_at}''::text[] || CASE
        WHEN current_setting(''sluice.erasing'', true) = ''on'' AND NOT sluice.sees_one()
        THEN ''{message, error_message, result_data}''::text[] END;');
END $do$;
"""


def upgrade() -> None:
    op.execute(ERASING)


def downgrade() -> None:
    raise NotImplementedError("Restore a backup.")
