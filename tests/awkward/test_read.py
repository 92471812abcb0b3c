"""``sluice read`` over all awkward files: header, rows, rejects and every line that holds no record."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.awkward.conftest import Answers, sluice_read
from tests.awkward.expectations import FOLDER, Sample, differences, samples

SAMPLES = samples()
AREAS = sorted({sample.area for sample in SAMPLES})


def known(sample: Sample) -> object:
    """The sample as a parameter; what can't be done yet must fail."""
    gap = sample.expected.get("gap")
    return pytest.param(sample, id=sample.name, marks=[pytest.mark.xfail(reason=gap)] if gap else [])


@pytest.mark.parametrize("sample", [known(sample) for sample in SAMPLES])
def test_a_file_is_read_as_a_careful_person_would(sample: Sample, answers: Answers) -> None:
    assert not differences(sample, answers.told[sample.name], answers.written(sample.name))


def test_one_call_reads_what_can_be_read_and_names_the_rest(answers: Answers) -> None:
    assert answers.code == 1
    assert set(answers.told) == {sample.name for sample in SAMPLES}
    written = {path.name.removesuffix(".csv") for path in answers.folder.iterdir()}
    assert written == {name for name, one in answers.told.items() if "error" not in one}


@pytest.mark.parametrize("area", AREAS)
def test_a_file_alone_gives_the_same_as_among_others(area: str, answers: Answers, tmp_path: Path) -> None:
    sample = next(s for s in SAMPLES if s.area == area and not s.expected.get("gap"))
    target = tmp_path / "out.csv"
    done = sluice_read(sample.path, "--out", target, "--json")
    assert done.returncode == (1 if sample.refused else 0)
    told = json.loads(done.stdout)
    told.pop("status", None)
    assert {**told, "file": str(sample.path)} == answers.told[sample.name]
    assert target.exists() is not bool(sample.refused)


@pytest.mark.parametrize("name", ["pdf-named-csv.csv", "bomb.csv.bz2", "password.xlsx", "nested-deep.json"])
def test_a_refusal_says_what_the_file_is_and_what_to_do(name: str) -> None:
    (sample,) = [sample for sample in SAMPLES if sample.name == name]
    done = sluice_read(sample.path)
    said = done.stderr.decode()
    assert (done.returncode, done.stdout) == (1, b"")
    assert said.startswith("error: ")
    assert all(word.lower() in said.lower() for word in sample.refused)
    assert "Traceback" not in said


def test_the_files_are_what_the_script_makes(tmp_path: Path) -> None:
    command = [sys.executable, "-B", FOLDER / "make.py", tmp_path]
    subprocess.run(command, check=True, timeout=120)
    made = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.glob("*/*")}
    kept = {
        path.relative_to(FOLDER): path.read_bytes()
        for path in FOLDER.glob("*/*")
        if path.parent.name in AREAS
    }
    assert sorted(made) == sorted(kept)
    assert [str(path) for path in made if made[path] != kept[path]] == []


def test_there_are_enough_files_of_each_kind_and_they_are_small() -> None:
    sizes = [path.stat().st_size for path in FOLDER.glob("*/*") if path.suffix != ".py"]
    assert len(SAMPLES) >= 120
    assert max(sizes) < 20_000
    assert sum(sizes) < 1_000_000
