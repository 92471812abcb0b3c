"""The registry finds contracts, prefers the user's, and lives with bad files."""

import pytest
from contract_cases import HEAD

from sluice.contracts.registry import LIBRARY, Registry, load_contract
from sluice.errors import ContractError, SetupError
from sluice.settings import Settings
from tests.timing import quickest


def write(folder, name, dataset, extra=""):
    path = folder / name
    path.write_text(f"{HEAD}schema:\n- name: {dataset}\n{extra}")
    return path


def test_the_built_in_datasets_are_there():
    assert Registry().names() == ["bugs", "projects"]
    assert Registry().problems() == []


def test_settings_name_the_users_folders(tmp_path):
    write(tmp_path, "o.yml", "orders")
    registry = Registry.from_settings(Settings(contracts=str(tmp_path)))
    assert registry.get("orders").path == (tmp_path / "o.yml").resolve()


def test_a_users_contract_wins_over_the_built_in(tmp_path):
    path = write(tmp_path, "p.yaml", "projects")
    assert Registry([tmp_path]).get("projects").path == path.resolve()


def test_an_unknown_dataset_lists_the_known_ones_and_the_likely_one():
    with pytest.raises(SetupError, match=r"Did you mean projects\? Known datasets: bugs, projects"):
        Registry().get("project")


def test_a_bad_file_spoils_only_its_own_dataset(tmp_path):
    write(tmp_path, "good.yaml", "orders")
    write(tmp_path, "bad.yaml", "bugs", "  qualitty: []\n")
    (tmp_path / "broken.odcs.yaml").write_text("schema: [")
    registry = Registry([tmp_path])
    assert registry.get("orders").dataset == "orders"
    assert registry.names() == ["orders", "projects"]
    for dataset in ("bugs", "broken"):
        with pytest.raises(ContractError):
            registry.get(dataset)
    assert len(registry.problems()) == 2


def test_two_files_for_one_dataset_are_both_named(tmp_path):
    write(tmp_path, "a.yaml", "orders")
    write(tmp_path, "b.yaml", "orders")
    with pytest.raises(ContractError, match=r"a\.yaml and again in .*b\.yaml"):
        Registry([tmp_path]).get("orders")


def test_other_yaml_in_the_folder_is_left_alone(tmp_path):
    (tmp_path / "compose.yaml").write_text("services: [\n")
    assert Registry([tmp_path]).problems() == []


def test_a_folder_that_is_not_there_is_an_error_of_the_set_up(tmp_path):
    with pytest.raises(SetupError, match="does not exist"):
        Registry([tmp_path / "nowhere"]).names()


def test_the_hash_is_that_of_the_files_bytes(tmp_path):
    import hashlib

    path = write(tmp_path, "o.yaml", "orders")
    assert load_contract(path)[0].sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_loading_a_contract_takes_no_time_worth_naming():
    assert quickest(lambda: load_contract(LIBRARY / "projects.odcs.yaml")) < 0.05
