"""docs/operations.md names what there is."""

import re

import pytest

from deployments.pool import QUEUES
from deployments.register import declared
from deployments.settings import PROJECT, PlatformSettings
from sluice.settings import Settings

TEXT = (PROJECT / "docs" / "operations.md").read_text()
OWN = PlatformSettings.model_fields.keys() - Settings.model_fields.keys() | {"home", "database_url"}


@pytest.mark.parametrize("name", [item["name"] for item in declared()])
def test_each_deployment_is_described(name: str) -> None:
    assert f"`{name}`" in TEXT


@pytest.mark.parametrize("name", sorted(f"SLUICE_{field.upper()}" for field in OWN))
def test_each_setting_of_the_platform_is_described(name: str) -> None:
    assert f"`{name}`" in TEXT


@pytest.mark.parametrize("name", sorted(QUEUES))
def test_each_queue_is_named(name: str) -> None:
    assert re.search(rf"\b{name}\b", TEXT)


def test_each_module_that_it_runs_exists() -> None:
    modules = set(re.findall(r"-m (deployments\.\w+)", TEXT))
    assert modules
    for module in modules:
        assert (PROJECT / f"{module.replace('.', '/')}.py").is_file()


def test_each_picture_that_is_taken_is_in_the_folder() -> None:
    pictures = {path.stem for path in (PROJECT / "docs" / "images").glob("*.png")}
    assert {"run", "artifacts", "run-form"} <= pictures
