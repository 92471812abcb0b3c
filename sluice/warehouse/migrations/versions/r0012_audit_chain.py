"""The audit log only grows, and each entry is chained to the one before it of its organization.

The chain is made here and not by the code, so that entries made by hand are in it too.
"""

from alembic import op

revision = "0012"
down_revision = "0011"

TABLES = """
CREATE TABLE sluice.audit_heads (
    organization_id INTEGER NOT NULL,
    seq BIGINT NOT NULL,
    previous BYTEA NOT NULL,
    hash BYTEA NOT NULL,
    CONSTRAINT audit_heads_pkey PRIMARY KEY (organization_id)
);
CREATE TABLE sluice.audit_anchors (
    organization_id INTEGER NOT NULL,
    seq BIGINT NOT NULL,
    key_id TEXT NOT NULL,
    hash BYTEA NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    log TEXT NOT NULL,
    signature BYTEA NOT NULL,
    CONSTRAINT audit_anchors_pkey PRIMARY KEY (organization_id, seq, key_id)
);
ALTER TABLE sluice.audit_log ADD COLUMN seq BIGINT, ADD COLUMN previous BYTEA, ADD COLUMN hash BYTEA;
"""

# The same in every session: neither time zone nor number format nor client encoding goes into it. Each text but the
# last is told by its length. sluice/audit/chain.py does the same.
HASH = """
CREATE FUNCTION sluice.entry_hash(entry sluice.audit_log, seq BIGINT, previous BYTEA) RETURNS BYTEA
LANGUAGE sql STABLE RETURN sha256(
    int4send(entry.organization_id) || int8send(seq) || previous || int8send(entry.id) || timestamptz_send(entry.at)
    || convert_to(coalesce(entry.user_id::text, '-') || ',' || coalesce(entry.load_id::text, '-') || ','
        || coalesce(char_length(entry.event) || ':' || entry.event, '-')
        || coalesce(char_length(entry.job_id) || ':' || entry.job_id, '-')
        || coalesce(char_length(entry.dataset) || ':' || entry.dataset, '-')
        || entry.details::text, 'UTF8'));
"""

# What there is is chained in the order in which it came.
EXISTING = """
CREATE FUNCTION sluice.chained() RETURNS TABLE (id BIGINT, seq BIGINT, previous BYTEA, hash BYTEA)
LANGUAGE plpgsql ROWS 1000000 AS $$
DECLARE
    entry sluice.audit_log;
    organization INTEGER;
BEGIN
    FOR entry IN SELECT * FROM sluice.audit_log a ORDER BY a.organization_id, a.id LOOP
        IF organization IS DISTINCT FROM entry.organization_id THEN
            organization := entry.organization_id;
            seq := 0;
            hash := decode(repeat('00', 32), 'hex');
        END IF;
        id := entry.id;
        seq := seq + 1;
        previous := hash;
        hash := sluice.entry_hash(entry, seq, previous);
        RETURN NEXT;
    END LOOP;
END $$;
UPDATE sluice.audit_log a SET (seq, previous, hash) = (c.seq, c.previous, c.hash)
  FROM sluice.chained() c WHERE c.id = a.id;
DROP FUNCTION sluice.chained();
INSERT INTO sluice.audit_heads
SELECT DISTINCT ON (organization_id) organization_id, seq, previous, hash FROM sluice.audit_log
 ORDER BY organization_id, seq DESC;
ALTER TABLE sluice.audit_log ALTER seq SET NOT NULL, ALTER previous SET NOT NULL, ALTER hash SET NOT NULL,
    ADD CONSTRAINT audit_log_organization_id_seq_key UNIQUE (organization_id, seq);
"""

# The lock is the one of sluice.tell, so that no two transactions wait for each other; it is held until the commit.
CHAIN = """
CREATE FUNCTION sluice.chain_entry() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('sluice:events'), NEW.organization_id);
    UPDATE sluice.audit_heads h
       SET seq = h.seq + 1, previous = h.hash, hash = sluice.entry_hash(NEW, h.seq + 1, h.hash)
     WHERE h.organization_id = NEW.organization_id
    RETURNING h.seq, h.previous, h.hash INTO NEW.seq, NEW.previous, NEW.hash;
    IF NOT FOUND THEN
        NEW.seq := 1;
        NEW.previous := decode(repeat('00', 32), 'hex');
        NEW.hash := sluice.entry_hash(NEW, NEW.seq, NEW.previous);
        INSERT INTO sluice.audit_heads (organization_id, seq, previous, hash)
        VALUES (NEW.organization_id, NEW.seq, NEW.previous, NEW.hash);
    END IF;
    RETURN NEW;
END $$;
-- Nobody makes it a trigger of another table, to move the heads by that.
REVOKE ALL ON FUNCTION sluice.chain_entry() FROM PUBLIC;

-- Only another trigger gives the hash with the entry.
CREATE TRIGGER chain_entry BEFORE INSERT ON sluice.audit_log
    FOR EACH ROW WHEN (NEW.hash IS NULL OR pg_trigger_depth() = 0) EXECUTE FUNCTION sluice.chain_entry();
REVOKE INSERT ON sluice.audit_log FROM sluice_tenant;
GRANT INSERT (organization_id, user_id, at, event, job_id, load_id, dataset, details) ON sluice.audit_log
    TO sluice_tenant;

-- Entries come in the order of their time, so a look at ranges of the table finds those of a day.
DROP INDEX sluice.audit_log_organization_id_at_idx;
CREATE INDEX audit_log_at_idx ON sluice.audit_log USING brin (at);
"""

# Always: also in a session that says it is a replica.
GUARD = """
CREATE FUNCTION sluice.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the table sluice.% only grows: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'SL001', HINT = 'What happened stays noted; write another entry.';
END $$;
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON sluice.audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION sluice.refuse_change();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON sluice.audit_anchors
    FOR EACH STATEMENT EXECUTE FUNCTION sluice.refuse_change();
ALTER TABLE sluice.audit_log ENABLE ALWAYS TRIGGER refuse_change;
ALTER TABLE sluice.audit_anchors ENABLE ALWAYS TRIGGER refuse_change;
REVOKE UPDATE, DELETE, TRUNCATE ON sluice.audit_log, sluice.audit_anchors FROM CURRENT_USER, PUBLIC;

SELECT sluice.protect('sluice.audit_heads');
SELECT sluice.protect('sluice.audit_anchors');
GRANT SELECT ON sluice.audit_heads, sluice.audit_anchors TO sluice_tenant;
"""

# The locks of all its organizations come before the first entry, in the order of sluice.tell_new_jobs. Each head is
# written once, however many entries there are.
NEW_JOBS = """
CREATE OR REPLACE FUNCTION sluice.audit_new_jobs() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entry sluice.audit_log;
    head sluice.audit_heads;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('sluice:events'), organization_id)
    FROM (SELECT DISTINCT organization_id FROM made ORDER BY organization_id) organizations;
    FOR entry IN
        SELECT nextval('sluice.audit_log_id_seq'), organization_id, user_id, clock_timestamp(), 'job.created', job_id,
            NULL::bigint, dataset, jsonb_strip_nulls(jsonb_build_object('stage', stage, 'progress', progress,
            'attempt', attempt, 'message', message, 'error', error_message)), NULL::bigint, NULL::bytea, NULL::bytea
        FROM made ORDER BY organization_id, id
    LOOP
        IF head.organization_id IS DISTINCT FROM entry.organization_id THEN
            UPDATE sluice.audit_heads h SET seq = head.seq, previous = head.previous, hash = head.hash
             WHERE h.organization_id = head.organization_id;
            SELECT * INTO head FROM sluice.audit_heads h WHERE h.organization_id = entry.organization_id;
            IF NOT FOUND THEN
                INSERT INTO sluice.audit_heads (organization_id, seq, previous, hash)
                VALUES (entry.organization_id, 0, '', decode(repeat('00', 32), 'hex')) RETURNING * INTO head;
            END IF;
        END IF;
        entry.seq := head.seq + 1;
        entry.previous := head.hash;
        entry.hash := sluice.entry_hash(entry, entry.seq, entry.previous);
        INSERT INTO sluice.audit_log OVERRIDING SYSTEM VALUE VALUES (entry.*);
        head.seq := entry.seq;
        head.previous := entry.previous;
        head.hash := entry.hash;
    END LOOP;
    UPDATE sluice.audit_heads h SET seq = head.seq, previous = head.previous, hash = head.hash
     WHERE h.organization_id = head.organization_id;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION sluice.audit_new_jobs() FROM PUBLIC;
"""


def upgrade() -> None:
    for statements in (TABLES, HASH, EXISTING, CHAIN, GUARD, NEW_JOBS):
        op.execute(statements)


def downgrade() -> None:
    raise NotImplementedError("What proves the audit log would be lost.")
