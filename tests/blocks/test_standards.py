"""What every block must be: explained, exemplified, and silent about its secrets."""

import ast
import re
from typing import Any, get_args

import pytest
from prefect.blocks.core import Block
from pydantic import SecretStr
from pydantic.fields import FieldInfo

import blocks
from blocks.api import ApiSource
from blocks.register import TYPES
from blocks.sources import HttpSource, ObjectStoreSource

SECRET_NAMES = re.compile(r"password|secret|token|^key$|^url$")
# These hold no login: the block's own rules, or their kind, forbid it.
NOT_SECRET = {
    (HttpSource, "base_url"),
    (ObjectStoreSource, "url"),
    (ApiSource, "base_url"),
    (ApiSource, "token_url"),
    (ApiSource, "secret_in_body"),
}
SAMPLES: dict[str, dict[str, Any]] = {
    "PostgresWarehouse": {"url": "postgresql://me:hunter2@db/x"},
    "EncryptionKey": {"key": "hunter2"},
    "FileSource": {"folder": "/srv"},
    "HttpSource": {"base_url": "https://h", "token": "hunter2", "headers": {"X-Key": "hunter2"}},
    "ApiSource": {
        "base_url": "https://h",
        "username": "me",
        "password": "hunter2",
        "query": {"key": "hunter2"},
        "totp_secret": "hunter2",
        "client_secret": "hunter2",
        "refresh_token": "hunter2",
    },
    "GitHubSource": {"token": "hunter2"},
    "ObjectStoreSource": {"url": "s3://b", "key": "hunter2", "secret": "hunter2", "session_token": "hunter2"},
}

each_block = pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)


def fields() -> list[Any]:
    found = [(kind, name, field) for kind in TYPES for name, field in kind.model_fields.items()]
    return [pytest.param(*item, id=f"{item[0].__name__}.{item[1]}") for item in found]


@each_block
def test_a_block_explains_itself_and_gives_a_python_example(kind: type[Block]) -> None:
    description, code = kind.get_description(), kind.get_code_example()
    assert description
    assert description.rstrip().endswith(".")
    assert code
    names = {
        node.id
        for node in ast.walk(ast.parse(code.strip().strip("`").removeprefix("python")))
        if isinstance(node, ast.Name)
    }
    assert kind.__name__ in names


@pytest.mark.parametrize(("kind", "name", "field"), fields())
def test_each_field_has_a_description_that_ends_like_a_sentence(
    kind: type[Block], name: str, field: FieldInfo
) -> None:
    assert field.description
    assert field.description[0].isupper()
    assert len(field.description) > 10


@pytest.mark.parametrize(("kind", "name", "field"), fields())
def test_a_field_that_may_hold_a_secret_is_a_secret(kind: type[Block], name: str, field: FieldInfo) -> None:
    if SECRET_NAMES.search(name) and (kind, name) not in NOT_SECRET:
        assert SecretStr in (field.annotation, *get_args(field.annotation))


@each_block
def test_no_secret_shows_in_repr_or_dump_of_a_block(kind: type[Block]) -> None:
    block = kind(**SAMPLES[kind.__name__])
    assert "hunter2" not in f"{block!r} {block} {block.model_dump()} {block.model_dump_json()}"


@each_block
def test_a_block_is_offered_by_the_package(kind: type[Block]) -> None:
    assert getattr(blocks, kind.__name__) is kind
    assert kind.__name__ in blocks.__all__
