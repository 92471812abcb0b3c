"""One dataset's contract is compiled without those of other files, with the errors that reading all of them gives."""

from pathlib import Path

import pytest

from sluice.contracts import registry as module
from sluice.contracts.registry import Registry
from sluice.errors import ContractError, SluiceError

TEXT = """apiVersion: v3.1.0
kind: DataContract
id: {id}
version: 1.0.0
schema:
  - name: {dataset}
    properties:
      - {{name: id, logicalType: {kind}, primaryKey: true}}
"""


def write(folder: Path, name: str, dataset: str, kind: str = "integer") -> None:
    (folder / f"{name}.odcs.yaml").write_text(TEXT.format(id=name, dataset=dataset, kind=kind))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("first", "second", "third"):
        write(tmp_path, name, name)
    write(tmp_path, "again", "third")
    write(tmp_path, "wrong", "broken", kind="strange")
    (tmp_path / "unreadable.odcs.yaml").write_text("kind: [DataContract")
    return tmp_path


def test_only_the_files_that_name_the_dataset_are_compiled(folder, monkeypatch):
    compiled = []

    def count(content, path):
        compiled.append(path.name)
        return whole(content, path)

    whole = module.compile_contract
    monkeypatch.setattr(module, "compile_contract", count)
    registry = Registry([folder])
    assert [registry.get(name).dataset for name in ("second", "second", "first")] == [
        "second", "second", "first",
    ]  # fmt: skip
    assert compiled == ["second.odcs.yaml", "first.odcs.yaml"]


@pytest.mark.parametrize("dataset", ["first", "third", "broken", "unreadable", "unknown", "projects"])
def test_what_is_said_of_a_dataset_is_what_all_files_together_say(folder, dataset):
    def said(registry: Registry) -> str:
        try:
            return registry.get(dataset).id
        except SluiceError as error:
            return f"{type(error).__name__} {error}"

    informed = Registry([folder])
    contracts, errors = informed._found
    alone = said(Registry([folder]))
    if dataset in errors:
        assert alone == f"ContractError {errors[dataset]}"
    elif dataset in contracts:
        assert alone == contracts[dataset].id
    else:
        assert alone == said(informed)
        assert "Known datasets:" in alone


def test_a_wrong_file_of_the_user_hides_the_built_in_of_its_name(tmp_path):
    write(tmp_path, "mine", "projects", kind="strange")
    with pytest.raises(ContractError, match="strange"):
        Registry([tmp_path]).get("projects")
