from sluice.jobs import ledger


def test_a_job(warehouse):
    j = ledger.create(warehouse, dataset="d", filename="f", file_type="csv")
    assert ledger.start(warehouse, j) == 1
    ledger.move(warehouse, j, stage="processing", progress=10)
    ledger.fail(warehouse, j, ValueError("x"))
    print(ledger.get(warehouse, j))
    assert list(ledger.rejects(warehouse, j)) == []
