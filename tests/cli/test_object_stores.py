"""An S3-compatible server on the command line, with endpoint and keys in the environment."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests import stores
from tests.cli.conftest import Shell

ITEMS = b"sku,title,quantity,shop\nfar,Far,1,away\n"


@pytest.fixture
def s3(shell: Shell) -> Iterator[Shell]:
    """The user's shell with the settings of a server that holds ``in/items.csv``."""
    with stores.speaking_s3("drop", {"in/items.csv": ITEMS}) as endpoint:
        yield replace(shell, env={**shell.env, "NO_PROXY": "127.0.0.1", **stores.environment(endpoint)})


def test_an_object_is_loaded(s3: Shell) -> None:
    answer = s3.run(
        "load",
        "s3://drop/in/items.csv",
        "-d",
        "items",
        "--mode",
        "upsert",
        "--json",
    )
    assert (answer.code, answer.json["read"], answer.json["published"]) == (0, 1, 1)


def test_a_missing_object_is_one_sentence_and_a_next_step(s3: Shell) -> None:
    answer = s3.run("load", "s3://drop/in/none.csv", "-d", "items")
    assert answer.code == 2
    assert answer.out == ""
    assert "s3://drop/in/none.csv does not exist." in answer.err
    assert "Check bucket and key" in answer.err
    assert "Traceback" not in answer.err
    assert stores.SECRET not in answer.err
