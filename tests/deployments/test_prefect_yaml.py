"""prefect.yaml: every name in it leads somewhere."""

from types import SimpleNamespace
from typing import Any

import pytest
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect.server.utilities.user_templates import render_user_template_sync
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools import validate as validate_parameters

from deployments.pool import QUEUES
from deployments.register import declared
from deployments.settings import POOL, PROJECT
from flows.batch_ingestion import batch_ingestion
from flows.compliance_audit import ComplianceAudit, compliance_audit
from flows.github_sync import GitHubSync, github_sync
from flows.maintenance import maintenance
from flows.secure_api_ingestion import secure_api_ingestion
from flows.standard_ingestion import IngestionRequest, standard_ingestion
from sluice.sources.acquire import validate

each_deployment = pytest.mark.parametrize("deployment", declared(), ids=lambda item: item["name"])


def test_the_ways_to_start_a_flow_are_there() -> None:
    assert {item["name"] for item in declared()} == {
        "standard-every-six-hours",
        "standard-manual",
        "standard-on-event",
        "bulk-on-event",
        "gateway",
        "gateway-batch",
        "github-sync-daily",
        "github-sync-manual",
        "secure-api-manual",
        "secure-api-on-event",
        "compliance-audit",
        "maintenance-nightly",
    }


@each_deployment
def test_the_entrypoint_is_a_module_path_to_the_flow(deployment: dict[str, Any]) -> None:
    entrypoint = deployment["entrypoint"]
    assert not set(":/") & set(entrypoint)
    flow: Flow[..., Any] = load_flow_from_entrypoint(entrypoint, use_placeholder_flow=False)
    flows = (
        standard_ingestion,
        batch_ingestion,
        github_sync,
        secure_api_ingestion,
        compliance_audit,
        maintenance,
    )
    assert flow.name in {one.name for one in flows}


@each_deployment
def test_the_default_parameters_are_a_request_whose_sources_exist(deployment: dict[str, Any]) -> None:
    if "parameters" in deployment:
        assert deployment["parameters"].keys() == {"request"}
        if "github" in deployment["tags"]:
            assert GitHubSync.model_validate(deployment["parameters"]["request"])
            return
        if "secure" in deployment["tags"]:
            assert ComplianceAudit.model_validate(deployment["parameters"]["request"])
            return
        request = IngestionRequest.model_validate(deployment["parameters"]["request"])
        for source in request.sources:
            absolute = source.model_copy(update={"path": str(PROJECT / source.path)})  # type: ignore[union-attr]
            assert validate(absolute)


@each_deployment
def test_the_pool_and_the_queue_are_ours(deployment: dict[str, Any]) -> None:
    assert deployment["work_pool"]["name"] == POOL
    assert deployment["work_pool"]["work_queue_name"] in QUEUES


@each_deployment
def test_it_says_what_it_is_for(deployment: dict[str, Any]) -> None:
    assert deployment["description"].strip().endswith(".")
    assert "sluice" in deployment["tags"]


@pytest.mark.parametrize(
    ("named", "sources"),
    [
        ({"folder": "in/"}, [("file", "in/*")]),
        ({"folder": "s3://bucket/in"}, [("object", "s3://bucket/in/")]),
        ({"glob": "in/*.csv"}, [("file", "in/*.csv")]),
        (
            {"files": ["a", "gs://b/c", "https://d/e"]},
            [("file", "a"), ("object", "gs://b/c"), ("http", "https://d/e")],
        ),
    ],
)
def test_a_bulk_event_may_name_a_folder_a_glob_or_files_on_disks_and_in_stores(
    named: dict[str, Any], sources: list[tuple[str, str]]
) -> None:
    (bulk,) = [item for item in declared() if item["name"] == "bulk-on-event"]
    template = bulk["triggers"][0]["parameters"]["request"]["value"]["template"]
    event = SimpleNamespace(payload={"dataset": "projects", **named})
    request = IngestionRequest.model_validate_json(render_user_template_sync(template, {"event": event}))
    assert [(one.kind, one.label) for one in request.sources] == sources


def test_the_run_form_tells_people_to_leave_the_job_id_empty_and_programs_may_pass_one() -> None:
    schema = parameter_schema(standard_ingestion.fn).model_dump_for_openapi()
    field = schema["definitions"]["IngestionRequest"]["properties"]["job_id"]
    assert field["title"].endswith("(leave empty)")
    assert field["description"].startswith("Leave empty")
    request = {"dataset": "bugs", "sources": [{"kind": "file", "path": "x"}], "job_id": "job_1"}
    assert validate_parameters({"request": request}, schema, raise_on_error=True) == []
