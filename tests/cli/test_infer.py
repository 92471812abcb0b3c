"""``sluice infer`` as a user runs it: the contract it writes is checked and loads the same file."""

import json

import pytest

ORDERS = "Order No;Client;Amount;Ordered On\n" + "".join(
    f"A-{n};c{n % 7}@example.com;{n}.000,50 €;{1 + n % 28:02}.01.2025\n" for n in range(1, 60)
)


@pytest.fixture
def orders(shell):
    (shell.folder / "orders.csv").write_text(ORDERS + "A-60;x@example.com;5,00 €;soon\n")
    return shell


def test_it_prints_a_contract_with_evidence(orders):
    answer = orders.run("infer", "orders.csv", "--dataset", "orders")
    assert answer.code == 0, answer.err
    assert "# 59 of 60 cells are dates dd.MM.yyyy; 1 is not: 'soon'\n" in answer.out
    assert answer.out.startswith("# Proposed by `sluice infer` from 60 records of orders.csv.\n")


def test_json_holds_the_evidence_and_the_contract(orders):
    found = orders.run("infer", "orders.csv", "--dataset", "orders", "--json").json
    assert found["key"] == ["order_no"]
    day = next(one for one in found["columns"] if one["name"] == "ordered_on")
    assert (day["typed"], day["untyped"]) == (59, 1)
    assert day["untyped_examples"] == [{"text": "soon", "cells": 1}]
    assert found["contract"].startswith("# Proposed")
    assert json.dumps(found["warnings"]) == "[]"


def test_what_it_writes_is_checked_and_loads_the_file(orders):
    answer = orders.run("infer", "orders.csv", "--dataset", "orders", "--out", "contracts/orders.odcs.yaml")
    assert (answer.code, answer.out) == (0, "")
    checked = orders.run("datasets", "check", "--json")
    assert next(one for one in checked.json if one["dataset"] == "orders")["state"] == "will be migrated"
    loaded = orders.run("load", "orders.csv", "--dataset", "orders", "--json")
    assert loaded.code == 0, loaded.err
    assert "soon" in orders.run("rejects", "last", "--json").out or "soon" in loaded.out


def test_a_missing_file_or_folder_is_said(orders):
    assert orders.run("infer", "none.csv", "--dataset", "orders").code != 0
    answer = orders.run("infer", "orders.csv", "--dataset", "orders", "--out", "nowhere/x.odcs.yaml")
    assert (answer.code, "nowhere" in answer.err) == (2, True)
