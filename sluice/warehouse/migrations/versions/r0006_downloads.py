"""Downloads: each load knows its table, and tenants may read the rows and the rejects of their own jobs."""

from alembic import op

revision = "0006"
down_revision = "0005"

# A load of before is found its table by the note that every dataset table bears, where only one has it.
PLACES = """
ALTER TABLE sluice.loads ADD COLUMN table_schema TEXT, ADD COLUMN table_name TEXT;
UPDATE sluice.loads l SET table_schema = t.schema, table_name = t.name FROM (
    SELECT substring(obj_description(c.oid, 'pg_class') FROM '^{"sluice": .*"contract": "([^"]*)"') AS contract,
           min(nspname) AS schema, min(relname) AS name
      FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
     WHERE relkind IN ('r', 'p') GROUP BY 1 HAVING count(*) = 1
) t WHERE t.contract = l.contract_id;
"""

# Tenants have no right on these tables: row-level security on them would forbid COPY to a loader that is not their
# owner, and a view would keep a dataset table from being replaced. So these open a cursor for them, with the rights
# of the migrations' user, on what belongs to the organization of the transaction; on nothing of others and on no
# other columns. The bodies are text, so nothing depends on a table.
FUNCTIONS = """
CREATE FUNCTION sluice.job_rejects(job TEXT) RETURNS refcursor
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    own CONSTANT INTEGER := sluice.own_organization();
    reader refcursor;
BEGIN
    OPEN reader NO SCROLL FOR
        SELECT r.load_id, r.record_no, r.line, r.column_name, r.reason, r.message, r.raw, r.cells
          FROM sluice.rejected_rows r
         WHERE r.job_id = job AND r.organization_id = own AND EXISTS (
               SELECT FROM sluice.ingestion_jobs j WHERE j.job_id = job AND j.organization_id = own)
         ORDER BY r.load_id, r.record_no, r.ordinal;
    RETURN reader;
END $$;

CREATE FUNCTION sluice.job_rows(job TEXT, wanted TEXT[]) RETURNS refcursor
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    own CONSTANT INTEGER := sluice.own_organization();
    loads BIGINT[];
    place REGCLASS;
    listed TEXT;
    reader refcursor;
BEGIN
    SELECT array_agg(l.id), to_regclass(min(quote_ident(l.table_schema) || '.' || quote_ident(l.table_name)))
      INTO loads, place
      FROM sluice.loads l JOIN sluice.ingestion_jobs j ON j.job_id = l.job_id AND j.organization_id = own
     WHERE l.job_id = job AND l.organization_id = own;
    SELECT string_agg(format('t.%I', a.attname), ', ' ORDER BY w.number) INTO listed
      FROM unnest(wanted) WITH ORDINALITY w (name, number) JOIN pg_attribute a ON a.attname = w.name
     WHERE a.attrelid = place AND a.attnum > 0 AND NOT a.attisdropped;
    IF listed IS NOT NULL THEN
        OPEN reader NO SCROLL FOR EXECUTE format('SELECT %s FROM %s t WHERE t.organization_id = $1
            AND t._load_id = ANY ($2) ORDER BY t._load_id, t._record_no', listed, place) USING own, loads;
    END IF;
    RETURN reader;
END $$;

REVOKE ALL ON FUNCTION sluice.job_rejects(TEXT), sluice.job_rows(TEXT, TEXT[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sluice.job_rejects(TEXT), sluice.job_rows(TEXT, TEXT[]) TO sluice_tenant;
"""


def upgrade() -> None:
    op.execute(PLACES)
    op.execute(FUNCTIONS)


def downgrade() -> None:
    raise NotImplementedError("Which table each load went to would be lost.")
