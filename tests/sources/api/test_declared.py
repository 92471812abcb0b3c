"""Declarations beside the contracts."""

from pathlib import Path

import pytest

from sluice.errors import PolicyRefused, SetupError
from sluice.settings import settings
from sluice.sources.api.declared import (
    declared,
    of_dataset,
    of_url,
    policy_of,
    require_no_policy,
    with_policy,
)
from sluice.sources.model import ApiSource

CRM = """
base_url: https://api.example.org/v1
block: crm
rate: 5
params: {lang: en}
endpoints:
  customers:
    path: /customers
    records: $.data
    paging: {style: cursor, next: $.meta.next}
    incremental: {field: updated_at, param: since}
  orders:
    path: orders
    params: {state: 1}
    concurrency: 8
"""


def written(folder: Path, text: str, name: str = "crm") -> Path:
    file = folder / f"{name}.source.yaml"
    file.write_text(text)
    return file


def test_what_is_shared_holds_for_each_endpoint_with_its_own_beside_it(tmp_path: Path) -> None:
    found = declared(written(tmp_path, CRM))
    assert list(found) == ["customers", "orders"]
    assert found["customers"].url == "https://api.example.org/v1/customers"
    assert found["customers"].paging.parameter == "cursor"
    assert found["orders"].params == {"lang": "en", "state": "1"}
    assert {(one.block, one.rate) for one in found.values()} == {("crm", 5)}
    assert [one.concurrency for one in found.values()] == [3, 8]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "it needs `base_url`"),
        ("base_url: https://h\nendpoints: [a]", "it needs `base_url`"),
        ("base_url: https://h\nendpoints: {a: {}}\ncolour: red", "nobody knows colour"),
        ("base_url: https://h\nendpoints: {a: {pages: 1}}", "a: nobody knows pages"),
        ("base_url: ftp://h\nendpoints: {a: {}}", "a: url"),
        ("base_url: https://h\nendpoints: {a: {paging: {style: cursor}}}", "needs `next`"),
        (
            "base_url: https://h\nheaders: {Authorization: x}\nendpoints: {a: {}}",
            "belongs in an API Source block",
        ),
        ("base_url: [", "Correct the declaration"),
    ],
)
def test_what_is_wrong_with_a_declaration_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SetupError, match=said):
        declared(written(tmp_path, text))


def test_a_dataset_without_an_endpoint_is_told_which_there_are(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="for customers, orders"):
        of_dataset(written(tmp_path, CRM), "bugs")


def test_an_endpoint_is_found_by_its_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, CRM)
    written(tmp_path, "broken: [", "a")
    monkeypatch.setenv("SLUICE_CONTRACTS", str(tmp_path))
    settings.cache_clear()
    try:
        found = of_url("https://api.example.org/v1/customers/?page=2")
        assert found
        assert found[0] == "customers"
        assert of_url("https://api.example.org/v1/invoices") is None
    finally:
        settings.cache_clear()


POLICY = """
base_url: https://api.example.org/v1
security: {tls_min: 1.3, ca: ca.pem}
endpoints:
  things: {path: things}
  others: {path: others, security: {mfa: true}}
"""


def test_a_policy_belongs_to_the_url_whoever_asks(tmp_path, monkeypatch):
    (tmp_path / "a.source.yaml").write_text(POLICY)
    monkeypatch.setenv("SLUICE_CONTRACTS", str(tmp_path))
    settings.cache_clear()
    try:
        things = with_policy("things")
        assert things.security
        assert (things.security.tls_min, things.security.ca) == ("1.3", str(tmp_path / "ca.pem"))
        weaker = ApiSource.model_validate({"url": f"{things.url}/?page=1", "security": {}})
        assert policy_of(weaker) == things.security
        assert policy_of(ApiSource(url="https://api.example.org/v1")) is None
        with pytest.raises(PolicyRefused, match="declared as an API with a security policy"):
            require_no_policy("https://me:pass@api.example.org/v1/others?x=1")
        require_no_policy("https://api.example.org/v2/others")
        with pytest.raises(SetupError, match="0 sources"):
            with_policy("unknown")
    finally:
        settings.cache_clear()
