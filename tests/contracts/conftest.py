"""A contract with a single column, from the lines of its property."""

import textwrap
from collections.abc import Callable

import pytest
from contract_cases import compiled

from sluice.contracts.model import Contract


@pytest.fixture
def one_column() -> Callable[..., Contract]:
    """A contract with one column ``c`` and these further lines of the property."""

    def make(lines: str) -> Contract:
        text = textwrap.indent(textwrap.dedent(lines).strip(), "      ")
        return compiled(f"schema:\n- name: t\n  properties:\n    - name: c\n{text}\n")[0]

    return make
