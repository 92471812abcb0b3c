"""The secure API ingestion and the compliance audit, from a declaration to rows or a refusal that is on record."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.sorting import ArtifactSort

from blocks import ApiSource
from flows.compliance_audit import ComplianceAudit, compliance_audit
from flows.runner import run_here
from flows.secure_api_ingestion import SecureIngestion, secure_api_ingestion
from sluice.audit import report
from sluice.audit.findings import LogBroken
from sluice.errors import ContractError, PolicyRefused, SetupError, SourceError
from sluice.jobs import steps
from sluice.security.anchor_key import AnchorKeys
from sluice.settings import settings
from sluice.sources.model import ApiSource as Source
from sluice.warehouse.connection import Warehouse
from tests.sources.api.clinic import PATIENTS, Clinic, served

COLUMNS = {"no": "", "mail": "", "card": "", "ward": ""}


class Ward:
    """A clinic with its declaration and contract, in a folder of contracts."""

    def __init__(self, clinic: Clinic, folder: Path) -> None:
        self.clinic, self.folder = clinic, folder
        self.policy: dict[str, Any] = {"ca": "ca.pem", "login_url": f"{clinic.url}/me", "mfa": True}

    def declare(self, **policy: Any) -> None:
        self.policy |= policy
        told = {
            "base_url": self.clinic.url,
            "block": "clinic",
            "security": self.policy,
            "endpoints": {"patients": {"path": "/patients"}},
        }
        (self.folder / "clinic.source.yaml").write_text(yaml.safe_dump(told))

    def contract(self, **levels: str) -> None:
        properties = [
            {"name": name, "logicalType": "string"} | ({"classification": level} if level else {})
            for name, level in (COLUMNS | levels).items()
        ]
        properties[0] |= {"primaryKey": True}
        table = {"name": "patients", "physicalType": "table", "properties": properties}
        told = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "patients", "version": "1.0.0"}
        text = yaml.safe_dump(told | {"status": "active", "schema": [table]})
        (self.folder / "patients.odcs.yaml").write_text(text)

    def login(self, **more: Any) -> None:
        given = {"base_url": self.clinic.url, "token": "tok-1", "totp_secret": self.clinic.otp, **more}
        ApiSource.model_validate(given).save("clinic", overwrite=True)


@pytest.fixture
def ward(project: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ward]:
    """With two factors, and a login that has both."""
    folder = tmp_path / "contracts"
    folder.mkdir()
    monkeypatch.setenv("SLUICE_CONTRACTS", str(folder))
    monkeypatch.setenv("SLUICE_ALLOWED_ADDRESSES", "127.0.0.0/8")
    settings.cache_clear()
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    with served(Clinic({"token", "otp"}), authority.issue_cert("127.0.0.1"), tmp_path) as clinic:
        found = Ward(clinic, folder)
        found.declare()
        found.contract()
        found.login()
        yield found


def ran(**more: Any) -> dict[str, Any]:
    return secure_api_ingestion(SecureIngestion(dataset="patients", **more))


def rows(warehouse: Warehouse, query: str) -> list[Any]:
    with warehouse.connect() as connection:
        return connection.execute(query.encode()).fetchall()


def audited(warehouse: Warehouse) -> list[tuple[str, dict[str, Any]]]:
    """Events of policies and classifications, oldest first."""
    return rows(
        warehouse,
        "SELECT event, details FROM sluice.audit_log WHERE event LIKE 'policy.%' OR event LIKE 'classif%' ORDER BY id",
    )


def test_a_source_that_keeps_to_its_policy_is_checked_read_classified_and_stored(
    project: Warehouse, ward: Ward
) -> None:
    outcome = ran()
    assert (outcome["read"], outcome["published"]) == (30, 30)
    assert rows(project, "SELECT count(*) FROM data.patients") == [(30,)]
    (checked, policy), (done, classes) = audited(project)
    assert (checked, done) == ("policy.checked", "classification.done")
    assert policy["requirements"] == {"factors": ["bearer token", "TOTP"]}
    assert policy["authentication"]["without the second factor"] == 401
    assert policy["connection"]["tls"] == "TLSv1.3"
    assert {one["column"]: (one["class"], one["level"]) for one in classes["columns"]} == {
        "no": ("none", "internal"),
        "mail": ("email", "confidential"),
        "card": ("credit_card", "restricted"),
        "ward": ("none", "internal"),
    }
    (details,) = rows(project, "SELECT details FROM sluice.ingestion_jobs")[0]
    assert list(details["security"].values()) == [policy]
    assert list(details["classification"].values()) == [classes]
    told = json.dumps([policy, classes, details])
    secrets = ("tok-1", ward.clinic.otp, *(one[name] for one in PATIENTS for name in ("mail", "card")))
    assert not [secret for secret in secrets if secret in told]


def test_a_policy_that_is_not_met_is_refused_before_a_record_is_asked_for_and_that_is_on_record(
    project: Warehouse, ward: Ward
) -> None:
    ward.clinic.wants = {"token"}
    with pytest.raises(PolicyRefused, match="without the second factor: it does not ask for it"):
        ran()
    ward.login(totp_secret=None)
    with pytest.raises(PolicyRefused, match="no second factor"):
        ran()
    ward.declare(mfa=False, ca="ca.pem", fingerprints=["0" * 64])
    with pytest.raises(PolicyRefused, match="which its policy does not name"):
        ran()
    assert not ward.clinic.asked["patients"]
    found = audited(project)
    assert [(event, told["step"]) for event, told in found] == [
        ("policy.refused", "authentication"),
        ("policy.refused", "requirements"),
        ("policy.refused", "authentication"),
    ]
    assert rows(project, "SELECT DISTINCT status FROM sluice.ingestion_jobs") == [("failed",)]
    assert rows(project, "SELECT to_regclass('data.patients')") == [(None,)]


def test_a_column_above_the_ceiling_is_not_stored_in_plain_and_the_contract_has_the_last_word(
    project: Warehouse, ward: Ward
) -> None:
    ward.declare(ceiling="confidential")
    with pytest.raises(ContractError) as told:
        ran()
    assert "card holds credit_card (restricted)" in told.value.message
    assert "  - {name: card, classification: restricted}" in told.value.hint
    assert "{property: sluice.ceiling, value: confidential}" in told.value.hint
    assert PATIENTS[0]["card"] not in str(told.value)
    assert audited(project)[-1][1]["in_plain_above"] == ["card"]
    assert rows(project, "SELECT count(*) FROM data.patients") == [(0,)]
    ward.contract(card="restricted")  # but nothing would encrypt it
    with pytest.raises(ContractError):
        ran()
    ward.contract(card="internal")
    assert ran()["published"] == 30
    assert audited(project)[-1][1]["columns"][2] == {
        "column": "card",
        "class": "credit_card",
        "confidence": audited(project)[-1][1]["columns"][2]["confidence"],
        "level": "internal",
        "level_by": "contract",
    }


def test_the_other_ways_to_load_go_by_the_declared_policy_too(project: Warehouse, ward: Ward) -> None:
    url = f"{ward.clinic.url}/patients"
    sources: list[dict[str, Any]] = [
        {"kind": "api", "url": url, "block": "clinic"},
        {"kind": "api", "url": url, "block": "clinic", "security": {"ca": str(ward.folder / "ca.pem")}},
        {"kind": "http", "url": url},
    ]
    ward.declare(ceiling="confidential")
    for source in sources[:2]:
        with pytest.raises(ContractError, match="card holds credit_card"):
            run_here({"dataset": "patients", "sources": [source]})
        assert [event for event, _ in audited(project)][-2:] == ["policy.checked", "classification.done"]
    ward.clinic.wants, before = {"token"}, ward.clinic.asked["patients"]
    for source in sources:
        with pytest.raises(PolicyRefused):
            run_here({"dataset": "patients", "sources": [source]})
    assert ward.clinic.asked["patients"] == before


def test_a_certificate_that_changes_after_the_check_ends_the_collection_on_record(
    project: Warehouse, ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = trustme.CA().issue_cert("127.0.0.1")
    connect = steps.connect

    def meanwhile(*given: Any) -> None:
        ward.clinic.shows(stranger)
        connect(*given)

    monkeypatch.setattr(steps, "connect", meanwhile)
    with pytest.raises(SourceError, match="not trusted"):
        ran()
    (checked, _), (refused, told) = audited(project)
    assert (checked, refused, told["step"]) == ("policy.checked", "policy.refused", "collection")
    assert not ward.clinic.asked["patients"]


def test_a_source_without_a_policy_is_not_for_this_flow(project: Warehouse, ward: Ward) -> None:
    (ward.folder / "clinic.source.yaml").unlink()
    with pytest.raises(SetupError, match="0 sources with a security policy are declared for patients"):
        ran()
    with pytest.raises(PolicyRefused, match="has no security policy"):
        ran(source=Source(url=f"{ward.clinic.url}/patients"))


def test_a_compliance_audit_checks_all_sources_and_asks_for_no_record(project: Warehouse, ward: Ward) -> None:
    (found,) = compliance_audit(ComplianceAudit())["sources"]
    assert found["connection"]["tls"] == "TLSv1.3"
    assert compliance_audit(ComplianceAudit(dataset="others"))["sources"] == []
    ward.declare(tls_min="1.3", client_certificate=True)
    with pytest.raises(PolicyRefused, match="1 of 1 sources do not keep to their policy"):
        compliance_audit(ComplianceAudit(dataset="patients"))
    assert [event for event, _ in audited(project)] == ["policy.checked", "policy.refused"]
    assert not ward.clinic.asked["patients"]


def test_a_compliance_audit_writes_signed_reports_and_links_them_in_its_artifact(
    project: Warehouse, ward: Ward
) -> None:
    done = compliance_audit(ComplianceAudit(frameworks=["pci-dss", "gdpr"]))
    keys = AnchorKeys.from_settings(settings())
    assert [one["framework"] for one in done["reports"]] == ["pci-dss", "gdpr"]
    for one in done["reports"]:
        path = Path(one["report"])
        assert path.parent == settings().audit_reports_dir
        assert report.check(keys, path)["framework"] == one["framework"]
        told = json.loads(path.read_text())
        (checked,) = [entry for entry in told["entries"] if entry["event"] == "policy.checked"]
        assert checked["details"]["connection"]["tls"] == "TLSv1.3"
        assert len(told["entries"]) == one["entries"]
        path.write_text(path.read_text() + " ")
        with pytest.raises(report.Unproven):
            report.check(keys, path)
    with get_client(sync_client=True) as client:
        chosen = ArtifactFilter(key=ArtifactFilterKey(any_=["compliance-audit"]))
        (artifact,) = client.read_artifacts(artifact_filter=chosen, sort=ArtifactSort.CREATED_DESC, limit=1)
    for one in done["reports"]:
        assert Path(one["report"]).as_uri() in str(artifact.data)
        assert Path(one["signature"]).as_uri() in str(artifact.data)


def test_a_compliance_audit_reports_as_the_request_and_the_settings_say(
    project: Warehouse, ward: Ward, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLUICE_AUDIT_REPORTS", str(tmp_path / "auditor"))
    settings.cache_clear()
    assert compliance_audit(ComplianceAudit(frameworks=[]))["reports"] == []
    later = datetime(2100, 1, 1, tzinfo=UTC)
    (one,) = compliance_audit(ComplianceAudit(frameworks=["sox"], since=later))["reports"]
    assert (Path(one["report"]).parent, one["entries"]) == (tmp_path / "auditor", 0)


def test_a_compliance_audit_of_a_broken_log_reports_that_and_fails(project: Warehouse, ward: Ward) -> None:
    compliance_audit(ComplianceAudit(frameworks=[]))
    with project.connect(autocommit=True) as connection:
        connection.execute("ALTER TABLE sluice.audit_log DISABLE TRIGGER refuse_change")
        connection.execute("UPDATE sluice.audit_log SET details = '{}' WHERE event = 'policy.checked'")
        connection.execute("ALTER TABLE sluice.audit_log ENABLE ALWAYS TRIGGER refuse_change")
    with pytest.raises(LogBroken, match="is broken"):
        compliance_audit(ComplianceAudit(frameworks=["sox"]))
    (path,) = settings().audit_reports_dir.glob("*.json")
    assert "it was changed" in json.loads(path.read_text())["chain"]["findings"][0]["what"]


def test_what_is_above_the_ceiling_is_stored_encrypted_where_the_contract_has_it_so(
    project: Warehouse, ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLUICE_ENCRYPTION_KEY", base64.b64encode(bytes(32)).decode())
    settings.cache_clear()
    ward.declare(ceiling="confidential")
    ward.contract(card="restricted")
    file = ward.folder / "patients.odcs.yaml"
    told = yaml.safe_load(file.read_text())
    told["schema"][0]["customProperties"] = [{"property": "sluice.ceiling", "value": "confidential"}]
    file.write_text(yaml.safe_dump(told))
    assert ran()["published"] == 30
    assert audited(project)[-1][1]["in_plain_above"] == []
    (text,) = rows(project, "SELECT string_agg(p::text, ' ') FROM data.patients p")[0]
    assert PATIENTS[0]["no"] in text
    assert PATIENTS[0]["card"] not in text
