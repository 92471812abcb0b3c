"""Keys of encrypted columns: each organization's data keys, and one for each person, all wrapped."""

from alembic import op

revision = "0013"
down_revision = "0012"

TABLES = """
CREATE TABLE sluice.data_keys (
    id INTEGER GENERATED ALWAYS AS IDENTITY,
    organization_id INTEGER NOT NULL,
    purpose TEXT NOT NULL,
    wrapped BYTEA NOT NULL,
    kek_id TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    retired_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT data_keys_pkey PRIMARY KEY (id),
    CONSTRAINT data_keys_purpose_check CHECK (purpose IN ('seal', 'blind'))
);
CREATE UNIQUE INDEX data_keys_current_idx ON sluice.data_keys (organization_id, purpose) WHERE retired_at IS NULL;
CREATE TABLE sluice.subject_keys (
    organization_id INTEGER NOT NULL,
    subject BYTEA NOT NULL,
    key_id INTEGER NOT NULL,
    wrapped BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT subject_keys_pkey PRIMARY KEY (organization_id, subject)
);
"""

# Tenants have no right on these tables. Wrapped keys are of no use without the key that wraps them, and that is with
# the processes: what reads rows for an organization gets its own through these, and no other's.
FUNCTIONS = """
CREATE FUNCTION sluice.own_data_keys() RETURNS SETOF sluice.data_keys
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT * FROM sluice.data_keys WHERE organization_id = sluice.own_organization()
$$;
CREATE FUNCTION sluice.own_subject_keys(wanted BYTEA[]) RETURNS SETOF sluice.subject_keys
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT * FROM sluice.subject_keys WHERE organization_id = sluice.own_organization() AND subject = ANY (wanted)
$$;
-- A superuser is a member of every role, and yet confined by none.
CREATE FUNCTION sluice.sees_one() RETURNS BOOLEAN LANGUAGE sql STABLE RETURN
    sluice.confined() AND row_security_active('sluice.data_keys');
REVOKE ALL ON FUNCTION sluice.own_data_keys(), sluice.own_subject_keys(BYTEA[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sluice.own_data_keys(), sluice.own_subject_keys(BYTEA[]) TO sluice_tenant;
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute("REVOKE ALL ON sluice.data_keys, sluice.subject_keys FROM sluice_tenant")
    for table in ("data_keys", "subject_keys"):
        op.execute(f"SELECT sluice.protect('sluice.{table}')")
    op.execute(FUNCTIONS)


def downgrade() -> None:
    raise NotImplementedError("What is encrypted could not be read any more.")
