"""An API that nobody declared: probed, loaded, and loaded again."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import yaml

from sluice.cli.probe import _named_by
from sluice.errors import SetupError
from tests.cli.conftest import Shell
from tests.sources.api.server import Api, served


@pytest.fixture
def api() -> Iterator[Api]:
    with served(Api()) as found:
        yield found


def test_what_is_probed_loads_and_later_only_what_is_new(shell: Shell, api: Api) -> None:
    api.fill(40)
    allowed = replace(shell, env={**shell.env, "SLUICE_ALLOWED_ADDRESSES": "127.0.0.1"})
    url = f"{api.url}/listing"
    probed = allowed.run("probe", url, "-d", "things", "--param", "size=10", "--out", "contracts")
    assert probed.code == 0, probed
    told = (shell.folder / "contracts" / "things.source.yaml").read_text()
    assert "# pages: `page` counts pages; the second has 10 other records." in told
    columns = yaml.safe_load((shell.folder / "contracts" / "things.odcs.yaml").read_text())["schema"][0][
        "properties"
    ]
    assert [(one["name"], one["logicalType"]) for one in columns] == [
        ("name", "string"),
        ("stars", "integer"),
        ("updated", "timestamp"),
    ]
    load = ("load", "contracts/things.source.yaml", "-d", "things", "--mode", "upsert", "--json")
    assert allowed.run(*load).json["published"] == 40
    api.items.append({"name": "new", "stars": 1, "updated": "2026-05-01T00:00:00Z"})
    assert allowed.run(*load).json["published"] == 1
    assert api.asked[-1]["since"] == "2026-01-28T00:00:00Z"


def test_records_without_a_key_are_to_be_replaced(shell: Shell, api: Api) -> None:
    allowed = replace(shell, env={**shell.env, "SLUICE_ALLOWED_ADDRESSES": "127.0.0.1"})
    api.items = [{"name": f"n{n % 3}", "stars": n % 2, "updated": "2026-01-01T00:00:00Z"} for n in range(20)]
    shown = allowed.seen("probe", f"{api.url}/listing", "--param", "size=10", "--out", "contracts")
    command = ["load", "contracts/listing.source.yaml", "--dataset", "listing", "--mode", "replace"]
    assert " ".join(command) in shown
    for _ in range(2):
        loaded = allowed.run(*command, "--json").json
        assert (loaded["published"], loaded["rejected"]) == (20, 0)


@pytest.mark.parametrize(
    ("path", "name"),
    [("/v1/Customers", "customers"), ("/api/open-orders.json", "open_orders"), ("/a/7/", "a")],
)
def test_a_dataset_is_called_by_the_last_word_of_its_address(path: str, name: str) -> None:
    assert _named_by(f"https://api.example.org{path}?x=y") == name


def test_an_address_without_a_word_names_no_dataset() -> None:
    with pytest.raises(SetupError, match="no word"):
        _named_by("https://api.example.org/")


def test_an_address_that_is_not_public_is_not_probed(shell: Shell, api: Api) -> None:
    told = shell.run("probe", f"{api.url}/listing")
    assert told.code == 1
    assert "SLUICE_ALLOWED_ADDRESSES" in told.err
    assert api.asked == []


def test_a_dataset_that_is_not_declared_is_told(shell: Shell) -> None:
    (shell.folder / "crm.source.yaml").write_text("base_url: https://h\nendpoints: {customers: {}}\n")
    told = shell.run("load", "crm.source.yaml", "-d", "items")
    assert told.code == 2
    assert "it has no endpoint for items, but for customers" in told.err
