"""README.md and docs/: what they tell people to type works, and what there is stands in them."""

import itertools
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import yaml

from blocks.register import TYPES
from deployments.settings import PROJECT
from gateway.app import create_app
from gateway.document import page
from gateway.settings import GatewaySettings
from sluice.cli import commands
from sluice.contracts.registry import load_contract
from tests.cli.conftest import Shell, own_environment
from tests.conftest import temporary_home
from tests.deployments.conftest import Running

README = PROJECT / "README.md"
PAGES = [README, *sorted((PROJECT / "docs").glob("*.md")), PROJECT / "sample-data" / "README.md"]
TEXT = "\n".join(page.read_text() for page in PAGES)
PROSE = re.sub(r"\s+", " ", TEXT)


def blocks(language: str) -> list[list[str]]:
    """The lines of each fenced block of the README with this info string."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
    return [[line.partition(" #")[0].strip() for line in block.splitlines()] for block in found]


def told(program: str) -> set[str]:
    """Each command of the program in README and docs: in a fenced or indented block, or between backticks."""
    lines = re.findall(rf"^(?: {{4,}})?(?:\$ )?({program} .*)$", TEXT, re.MULTILINE)
    return {line.partition(" #")[0].strip() for line in lines + re.findall(rf"`({program} [^`]+)`", PROSE)}


def cli() -> Iterator[str]:
    """Every command, as ``load`` or ``db url``."""
    app = typer.Typer()
    commands.register(app)
    yield from _names(app, "")


def _names(app: typer.Typer, before: str) -> Iterator[str]:
    for command in app.registered_commands:
        yield f"{before}{command.name or command.callback.__name__}"
    for group in app.registered_groups:
        yield from _names(group.typer_instance, f"{before}{group.name} ")


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))


@pytest.fixture(scope="module")
def clone() -> Iterator[Shell]:
    """A folder with what the README's commands need, and a state folder of its own."""
    with temporary_home() as folder:
        home = folder / ".sluice"
        home.mkdir(mode=0o755)
        shutil.copytree(PROJECT / "sample-data", folder / "sample-data")
        shell = Shell(folder, own_environment(home))
        try:
            yield shell
        finally:
            shell.run("db", "stop")


def sample_table() -> list[list[str]]:
    """The lines under `make run`: file, dataset, counts, quality, seconds."""
    return [line.split() for line in re.findall(r"^    (\S+\.csv .*)$", README.read_text(), re.MULTILINE)][:3]


def test_the_commands_of_the_readme_work_in_their_order(clone: Shell) -> None:
    done = clone.run("demo")  # which is `make run`
    assert done.code == 0, done.err
    printed = [line.split() for line in done.out.splitlines() if ".csv " in line][:3]
    assert [line[:-1] for line in printed] == [line[:-1] for line in sample_table()]
    for line in itertools.chain.from_iterable(blocks("sh")):
        if line.startswith("sluice "):
            answer = subprocess.run(
                shlex.split(line),
                cwd=clone.folder,
                env=clone.env,
                capture_output=True,
                text=True,
                timeout=120,
            )
            assert answer.returncode == 0, f"{line}: {answer.stderr}"
            beside = answer.stderr.splitlines()
            assert all(f"    {said}" in README.read_text().splitlines() for said in beside), answer.stderr


@pytest.mark.timeout(400)
def test_the_readme_goes_from_an_upload_to_its_rows(platform: Running) -> None:
    ((*lines,),) = blocks("bash")
    gateway = platform.state.gateway_url
    answer = subprocess.run(
        ["bash", "-ec", "\n".join(lines).replace("http://127.0.0.1:8300", gateway)],
        cwd=PROJECT,
        env=own_environment(platform.home),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert answer.returncode == 0, answer.stderr
    told, _, rows = answer.stdout.rpartition("}}}")
    assert '"success":true' in told
    assert len(rows.splitlines()) > 1


def test_the_page_about_the_api_is_current() -> None:
    document = create_app(GatewaySettings()).openapi()
    assert (PROJECT / "docs" / "api.md").read_text() == page(document), (
        "python -m gateway.document > docs/api.md"
    )


def test_the_readme_has_commands_to_try() -> None:
    assert [line for block in blocks("sh") for line in block if line.startswith("sluice ")]


def test_each_make_target_that_is_told_exists() -> None:
    told_targets = {line.split()[1] for line in told("make") if re.match(r"make [a-z-]+$", line)}
    assert told_targets >= {"run", "test", "up"}
    assert told_targets <= targets()


def test_each_sluice_command_that_is_told_exists() -> None:
    known = {name.split()[0] for name in cli()}
    words = {line.split()[1] for line in told("sluice")}
    assert words - {"--help", "--debug", "..."} <= known


@pytest.mark.parametrize("name", sorted(cli()))
def test_each_command_is_mentioned(name: str) -> None:
    assert re.search(rf"\bsluice {name}\b", PROSE)


@pytest.mark.parametrize("name", sorted(path.stem for path in (PROJECT / "flows").glob("*.py")))
def test_each_flow_is_mentioned(name: str) -> None:
    source = (PROJECT / "flows" / f"{name}.py").read_text()
    for flow in re.findall(r"@flow\(\s*name=\"([^\"]+)\"", source):
        assert f"flows/{name}.py" in TEXT, flow


@pytest.mark.parametrize("name", sorted(kind.get_block_type_name() for kind in TYPES))
def test_each_block_type_is_mentioned(name: str) -> None:
    assert f"*{name}*" in PROSE


@pytest.mark.parametrize(
    "name", [item["name"] for item in yaml.safe_load((PROJECT / "prefect.yaml").read_text())["deployments"]]
)
def test_each_deployment_is_mentioned(name: str) -> None:
    assert f"`{name}`" in PROSE


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file), target


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_guide_to_reading_shows_what_is_printed() -> None:
    text = (PROJECT / "docs" / "reading.md").read_text()
    blocks = [
        "\n".join(line[4:] for line in block.splitlines())
        for block in re.findall(r"(?:^(?: {4}.*)?\n)+", text, re.M)
    ]
    command, file = (block.strip("\n") for block in blocks if block.strip())
    shown, _, printed = command.partition("\n")
    sample = PROJECT / "sample-data" / "sales-as-sent.csv"
    assert sample.read_text(encoding="cp1252").strip("\n") == file
    answer = subprocess.run(
        shlex.split(shown.removeprefix("$ ")),
        cwd=PROJECT,
        env=own_environment(PROJECT / ".sluice"),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert answer.stdout + answer.stderr == printed + "\n"


def test_the_contract_of_the_guide_is_right(tmp_path: Path) -> None:
    guide = (PROJECT / "docs" / "contracts.md").read_text()
    (written,) = re.findall(r"^```yaml\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    path = tmp_path / "orders.odcs.yaml"
    path.write_text(written)
    (contract,) = load_contract(path)
    assert [column.name for column in contract.columns] == [
        "order_no",
        "customer",
        "amount",
        "ordered_on",
        "state",
    ]
    assert {rule.name for rule in contract.rules} == {
        "required",
        "pattern",
        "minimum",
        "maximum",
        "enum",
        "duplicate",
    }
