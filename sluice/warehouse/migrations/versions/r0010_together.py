"""Many new jobs at once: what is told and noted of them is one statement, not one each."""

from alembic import op

revision = "0010"
down_revision = "0009"

# One that begins as it must needs no look.
GUARD = """
DROP TRIGGER guard_job ON sluice.ingestion_jobs;
CREATE TRIGGER guard_new_job BEFORE INSERT ON sluice.ingestion_jobs
    FOR EACH ROW WHEN (NEW.status <> 'pending') EXECUTE FUNCTION sluice.guard_job();
CREATE TRIGGER guard_job BEFORE UPDATE ON sluice.ingestion_jobs
    FOR EACH ROW EXECUTE FUNCTION sluice.guard_job();
"""

AUDIT = """
CREATE FUNCTION sluice.audit_new_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO sluice.audit_log (organization_id, user_id, at, event, job_id, dataset, details)
    SELECT organization_id, user_id, clock_timestamp(), 'job.created', job_id, dataset,
        jsonb_strip_nulls(jsonb_build_object('stage', stage, 'progress', progress,
            'attempt', attempt, 'message', message, 'error', error_message))
    FROM made ORDER BY id;
    RETURN NULL;
END $$;
DROP TRIGGER audit_new_job ON sluice.ingestion_jobs;
CREATE TRIGGER audit_new_jobs AFTER INSERT ON sluice.ingestion_jobs REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION sluice.audit_new_jobs();
"""

# The locks come before the numbers, as in sluice.tell; one notice tells each organization of its last event.
TELL = """
CREATE FUNCTION sluice.tell_new_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    number BIGINT;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('sluice:events'), organization_id)
    FROM (SELECT DISTINCT organization_id FROM made ORDER BY organization_id) organizations;
    WITH told AS (
        INSERT INTO sluice.job_events (organization_id, job_id, kind, data)
        SELECT organization_id, job_id, 'job.' || status, jsonb_build_object(
            'job_id', job_id, 'dataset', dataset, 'filename', filename, 'status', status,
            'stage', stage, 'progress', progress, 'message', message, 'attempt', attempt,
            'error', error_message)
        FROM made ORDER BY made.id
        RETURNING organization_id, id
    ), last AS (SELECT organization_id, max(id) AS id FROM told GROUP BY organization_id)
    SELECT count(pg_notify('sluice_events', organization_id || ':' || id)) INTO number FROM last;
    RETURN NULL;
END $$;
DROP TRIGGER tell_new_job ON sluice.ingestion_jobs;
CREATE TRIGGER tell_new_jobs AFTER INSERT ON sluice.ingestion_jobs REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION sluice.tell_new_jobs();
"""

UNDO = """
DROP TRIGGER guard_new_job ON sluice.ingestion_jobs;
DROP TRIGGER guard_job ON sluice.ingestion_jobs;
CREATE TRIGGER guard_job BEFORE INSERT OR UPDATE ON sluice.ingestion_jobs
    FOR EACH ROW EXECUTE FUNCTION sluice.guard_job();
DROP TRIGGER audit_new_jobs ON sluice.ingestion_jobs;
DROP TRIGGER tell_new_jobs ON sluice.ingestion_jobs;
DROP FUNCTION sluice.audit_new_jobs(), sluice.tell_new_jobs();
CREATE TRIGGER audit_new_job AFTER INSERT ON sluice.ingestion_jobs
    FOR EACH ROW EXECUTE FUNCTION sluice.audit_job();
CREATE TRIGGER tell_new_job AFTER INSERT ON sluice.ingestion_jobs
    FOR EACH ROW EXECUTE FUNCTION sluice.tell_job();
"""


def upgrade() -> None:
    for statements in (GUARD, AUDIT, TELL):
        op.execute(statements)


def downgrade() -> None:
    op.execute(UNDO)
