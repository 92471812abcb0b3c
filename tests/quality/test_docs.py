import re

from sluice.quality.docs import build_docs
from tests.quality.conftest import at_least, contract_of, required, row_count, unique


def test_the_site_shows_suite_and_last_results_without_a_network(judge_rows, tmp_path):
    contract = contract_of(
        row_count(1), required("id"), at_least("amount", 5, severity="warning"), unique("id")
    )
    verdict = judge_rows(contract, [{"id": 1, "amount": 1}, {"id": 2, "amount": 9}])
    index = build_docs([contract], {"orders": verdict.results}, tmp_path / "docs")
    text = index.read_text()
    assert "3 of 4 rules passed" in text
    for link in re.findall(r'href="([^"]+)"', text):
        assert (index.parent / link).is_file(), link
    pages = list(index.parent.rglob("*.html"))
    assert len(pages) == 3
    for page in pages:
        assert not re.search(r'<(script|link|img)[^>]*(src|href)="https?://', page.read_text()), page


def test_a_dataset_without_results_shows_its_suite(tmp_path):
    index = build_docs([contract_of(required("id"))], {}, tmp_path)
    assert "none yet" in index.read_text()
    assert (tmp_path / "expectations" / "orders.html").is_file()


def test_building_again_keeps_only_the_last_validation(judge_rows, tmp_path):
    contract = contract_of(required("id"))
    results = judge_rows(contract, [{"id": 1}]).results
    for _ in range(2):
        build_docs([contract], {"orders": results}, tmp_path / "docs")
    assert len(list((tmp_path / "docs" / "validations").rglob("*.html"))) == 1
