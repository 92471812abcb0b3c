"""What a dashboard shows live: a point in time for each job that ended, how many are open, and what went wrong."""

from alembic import op

revision = "0008"
down_revision = "0007"

# Counts how often a dead letter was taken up again: its flow runs are others than those of the first tries.
ROUND = "ALTER TABLE sluice.outbox ADD COLUMN round INTEGER DEFAULT '0' NOT NULL"
TELL = """
CREATE INDEX ingestion_jobs_open_idx ON sluice.ingestion_jobs (organization_id, status)
    WHERE status IN ('pending', 'processing', 'retrying');

CREATE FUNCTION sluice.tell_end() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    published BIGINT;
    rejected BIGINT;
BEGIN
    IF NEW.status = 'completed' THEN
        SELECT sum(l.published), sum(l.rejected) INTO published, rejected FROM sluice.loads l WHERE job_id = NEW.job_id;
    END IF;
    PERFORM sluice.tell(NEW.organization_id, NEW.job_id, 'DATA_POINT', jsonb_build_object('data', jsonb_build_object(
        'time', NEW.completed_at, 'job_id', NEW.job_id, 'dataset', NEW.dataset, 'status', NEW.status,
        'seconds', extract(epoch FROM NEW.completed_at - NEW.started_processing_at)::float8,
        'published', coalesce(published, 0), 'rejected', coalesce(rejected, 0))));
    PERFORM sluice.tell(NEW.organization_id, NULL, 'METRIC_UPDATE', (
        SELECT jsonb_build_object('metric', jsonb_build_object(
            'pending', count(*) FILTER (WHERE status = 'pending'),
            'processing', count(*) FILTER (WHERE status = 'processing'),
            'retrying', count(*) FILTER (WHERE status = 'retrying')))
          FROM sluice.ingestion_jobs
         WHERE organization_id = NEW.organization_id AND status IN ('pending', 'processing', 'retrying')));
    RETURN NULL;
END $$;

-- Triggers fire in the order of their names: the end itself is told first.
CREATE TRIGGER told_job AFTER UPDATE ON sluice.ingestion_jobs
    FOR EACH ROW WHEN (NEW.status IN ('completed', 'failed', 'cancelled') AND NEW.status <> OLD.status)
    EXECUTE FUNCTION sluice.tell_end();

CREATE FUNCTION sluice.tell_dead_letter() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM sluice.tell(NEW.organization_id, NEW.job_id, 'ALERT', jsonb_build_object('alert', jsonb_build_object(
        'severity', 'error', 'dataset', NEW.dataset, 'tries', NEW.tries,
        'reason', NEW.reason, 'message', NEW.message)));
    RETURN NULL;
END $$;

CREATE TRIGGER tell_dead_letter AFTER INSERT OR UPDATE ON sluice.dead_letters
    FOR EACH ROW EXECUTE FUNCTION sluice.tell_dead_letter();
"""


def upgrade() -> None:
    op.execute(ROUND)
    op.execute(TELL)


def downgrade() -> None:
    op.execute(
        "DROP TRIGGER told_job ON sluice.ingestion_jobs; DROP TRIGGER tell_dead_letter ON sluice.dead_letters;"
        "DROP FUNCTION sluice.tell_end(), sluice.tell_dead_letter(); DROP INDEX sluice.ingestion_jobs_open_idx;"
        "ALTER TABLE sluice.outbox DROP COLUMN round"
    )
