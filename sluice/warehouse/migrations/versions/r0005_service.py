"""The job service: uploads, outbox, dead letters, events, webhooks, pauses, and row-level security for its tenants."""

from alembic import op

revision = "0005"
down_revision = "0004"

TABLES = """
CREATE TABLE sluice.uploads (
    upload_id TEXT NOT NULL,
    job_id TEXT NOT NULL,
    organization_id INTEGER NOT NULL,
    length BIGINT,
    received BIGINT DEFAULT '0' NOT NULL,
    content_sha256 TEXT,
    place TEXT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT uploads_pkey PRIMARY KEY (upload_id)
);
CREATE INDEX uploads_job_id_idx ON sluice.uploads (job_id);
CREATE TABLE sluice.outbox (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    job_id TEXT NOT NULL,
    organization_id INTEGER NOT NULL,
    urgency SMALLINT NOT NULL,
    tries SMALLINT DEFAULT '0' NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    dispatched_at TIMESTAMP WITH TIME ZONE,
    flow_run_id TEXT,
    trouble TEXT,
    CONSTRAINT outbox_pkey PRIMARY KEY (id),
    CONSTRAINT outbox_job_id_key UNIQUE (job_id)
);
CREATE INDEX outbox_waiting_idx ON sluice.outbox (urgency, id) WHERE dispatched_at IS NULL;
CREATE TABLE sluice.dead_letters (
    job_id TEXT NOT NULL,
    organization_id INTEGER NOT NULL,
    dataset TEXT NOT NULL,
    tries SMALLINT NOT NULL,
    reason TEXT NOT NULL,
    message TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT dead_letters_pkey PRIMARY KEY (job_id)
);
CREATE INDEX dead_letters_organization_id_created_at_idx ON sluice.dead_letters (organization_id, created_at);
CREATE TABLE sluice.pauses (
    organization_id INTEGER NOT NULL,
    user_id INTEGER,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pauses_pkey PRIMARY KEY (organization_id)
);
CREATE TABLE sluice.job_events (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    organization_id INTEGER NOT NULL,
    job_id TEXT,
    kind TEXT NOT NULL,
    data JSONB NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT job_events_pkey PRIMARY KEY (id)
);
CREATE INDEX job_events_organization_id_id_idx ON sluice.job_events (organization_id, id);
CREATE INDEX job_events_at_idx ON sluice.job_events (at);
CREATE TABLE sluice.webhooks (
    organization_id INTEGER NOT NULL,
    url TEXT NOT NULL,
    secrets JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT webhooks_pkey PRIMARY KEY (organization_id)
);
CREATE TABLE sluice.deliveries (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    organization_id INTEGER NOT NULL,
    job_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    tries SMALLINT DEFAULT '0' NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    delivered_at TIMESTAMP WITH TIME ZONE,
    given_up_at TIMESTAMP WITH TIME ZONE,
    answer TEXT,
    CONSTRAINT deliveries_pkey PRIMARY KEY (id)
);
CREATE INDEX deliveries_waiting_idx ON sluice.deliveries (due_at)
    WHERE delivered_at IS NULL AND given_up_at IS NULL;
CREATE TABLE sluice.callbacks (
    organization_id INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT callbacks_pkey PRIMARY KEY (organization_id, message_id)
);
CREATE TABLE sluice.answers (
    organization_id INTEGER NOT NULL,
    idempotency_key TEXT NOT NULL,
    request_sha256 TEXT NOT NULL,
    status SMALLINT,
    body JSONB,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT answers_pkey PRIMARY KEY (organization_id, idempotency_key)
);
CREATE INDEX ingestion_jobs_content_sha256_idx ON sluice.ingestion_jobs (organization_id, dataset, content_sha256)
    WHERE content_sha256 IS NOT NULL;
"""

# Removed from every list, though not from the history of the rows that it brought.
ARCHIVE = """
ALTER TABLE sluice.ingestion_jobs ADD COLUMN archived_at TIMESTAMP WITH TIME ZONE;
DO $do$ BEGIN
    EXECUTE replace(pg_get_functiondef('sluice.guard_job()'::regprocedure),
        '{details, result_url,', '{archived_at, details, result_url,');
END $do$;
"""

# The lock gives events of one organization their numbers in the order of their commits, so that a reader who has
# seen number N has missed none before it.
TELL = """
CREATE FUNCTION sluice.tell(organization INTEGER, job TEXT, kind TEXT, data JSONB) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    number BIGINT;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('sluice:events'), organization);
    INSERT INTO sluice.job_events (organization_id, job_id, kind, data)
    VALUES (organization, job, kind, data) RETURNING id INTO number;
    PERFORM pg_notify('sluice_events', organization || ':' || number);
END $$;

CREATE FUNCTION sluice.tell_job() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM sluice.tell(NEW.organization_id, NEW.job_id, 'job.' || NEW.status, jsonb_build_object(
        'job_id', NEW.job_id, 'dataset', NEW.dataset, 'filename', NEW.filename, 'status', NEW.status,
        'stage', NEW.stage, 'progress', NEW.progress, 'message', NEW.message, 'attempt', NEW.attempt,
        'error', NEW.error_message));
    IF NEW.status IN ('completed', 'failed', 'cancelled') AND NEW.status <> OLD.status THEN
        INSERT INTO sluice.deliveries (organization_id, job_id, kind)
        SELECT organization_id, NEW.job_id, 'job.' || NEW.status FROM sluice.webhooks
        WHERE organization_id = NEW.organization_id;
        PERFORM pg_notify('sluice_deliveries', '');
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER tell_new_job AFTER INSERT ON sluice.ingestion_jobs
    FOR EACH ROW EXECUTE FUNCTION sluice.tell_job();
CREATE TRIGGER tell_job AFTER UPDATE ON sluice.ingestion_jobs
    FOR EACH ROW WHEN ((OLD.status, OLD.stage, OLD.progress, OLD.message)
        IS DISTINCT FROM (NEW.status, NEW.stage, NEW.progress, NEW.message))
    EXECUTE FUNCTION sluice.tell_job();

CREATE FUNCTION sluice.ring_outbox() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('sluice_outbox', '');
    RETURN NULL;
END $$;
CREATE TRIGGER ring_outbox AFTER INSERT OR UPDATE OR DELETE ON sluice.outbox
    FOR EACH STATEMENT EXECUTE FUNCTION sluice.ring_outbox();
"""

TENANT_TABLES = (
    "ingestion_jobs", "loads", "rule_results", "audit_log", "uploads", "outbox", "dead_letters",
    "pauses", "job_events", "webhooks", "deliveries", "callbacks", "answers",
)  # fmt: skip

# Not rejected_rows: a loader that is not their owner could no longer COPY into them, so tenants may not read them.
# Whoever acts as sluice_tenant, or as a role that is a member of it, sees the organization that its transaction names
# and no other. Everybody else sees what the table's grants allow, as before.
ROLE = """
DO $do$ BEGIN
    CREATE ROLE sluice_tenant NOLOGIN NOBYPASSRLS;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $do$;
CREATE FUNCTION sluice.own_organization() RETURNS INTEGER LANGUAGE sql STABLE PARALLEL SAFE RETURN
    nullif(current_setting('sluice.organization_id', true), '')::integer;
CREATE FUNCTION sluice.confined() RETURNS BOOLEAN LANGUAGE sql STABLE PARALLEL SAFE RETURN
    pg_has_role(current_user, 'sluice_tenant', 'USAGE');
CREATE FUNCTION sluice.protect(target REGCLASS) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('CREATE POLICY sluice_organization ON %s USING (
        organization_id = (SELECT sluice.own_organization()) OR NOT (SELECT sluice.confined()))', target);
END $$;
GRANT USAGE ON SCHEMA sluice TO sluice_tenant;
"""
GRANTS = """
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA sluice TO sluice_tenant;
REVOKE ALL ON sluice.alembic_version, sluice.organizations, sluice.rejected_rows FROM sluice_tenant;
REVOKE UPDATE, DELETE ON sluice.audit_log, sluice.loads, sluice.job_events FROM sluice_tenant;
REVOKE INSERT ON sluice.loads, sluice.rule_results FROM sluice_tenant;
"""


def upgrade() -> None:
    for statements in (TABLES, ARCHIVE, TELL, ROLE):
        op.execute(statements)
    for table in TENANT_TABLES:
        op.execute(f"SELECT sluice.protect('sluice.{table}')")
    op.execute(GRANTS)


def downgrade() -> None:
    raise NotImplementedError("What waits in the outbox would be lost.")
