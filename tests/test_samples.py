"""The documents that we hand out: the good ones compile without a word, the broken ones say what is wrong."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml.nodes import Node
from test_cases import ALL, Case

from provision.diagnostics import span_of
from provision.document.nodes import child
from provision.record import encode, source_map
from provision.transpile.author import Options
from provision.transpile.compile import Compiled, compile_document
from provision.transpile.output import to_json

SAMPLES = Path(__file__).parent.parent / "samples"
GOOD = sorted(SAMPLES.glob("*.bu"))
BROKEN = sorted((SAMPLES / "broken").glob("*.bu"))
# Each case that has an output, under the newest of its releases.
NEWEST_CASES = list({case.name: case for case in ALL if case.expected() is not None}.values())

VALIDATE = "/usr/bin/ignition-validate"
NEWEST_OF_DEBIAN = (3, 3)

EXPECTED: dict[str, str] = {
    "bad-url": "PV801 PV801 PV801 PV803 PV805 PV805 PV806 PV808",
    "broken-merge": "PV301 PV605",
    "decimal-mode": "PV605 PV605",
    "duplicate-file": "PV300 PV300 PV300 PV300 PV300 PV300",
    "duplicate-key": "PV003 PV003",
    "everything": "PV101 PV203 PV301 PV341 PV501 PV503 PV601 PV605 PV611",
    "later-release-key": "PV203 PV203 PV203 PV203",
    "mirror-one-device": "PV652 PV657",
    "missing-version": "PV202",
    "mount-unit-without-path": "PV340 PV610 PV611 PV612",
    "openshift-forbidden": "PV351 PV671 PV671 PV671 PV671 PV672 PV672 PV672 PV672 PV674 PV675",
    "partition-overlap": "PV310 PV312 PV313 PV314",
    "relative-path": "PV301 PV301 PV301 PV301 PV301 PV301",
    "second-document": "PV004",
    "tab-indentation": "PV002",
    "two-contents": "PV352 PV601 PV601 PV630",
    "unit-without-install": "PV501 PV503 PV503",
    "unknown-key": "PV101 PV101 PV101 PV101",
    "unknown-variant": "PV201",
    "wrong-type": "PV102 PV102 PV102 PV102 PV102",
}


def compiled(path: Path, files: Path) -> Compiled:
    return compile_document(path.read_bytes(), path.name, Options(str(files)))


def sample(path: Path) -> Compiled:
    return compiled(path, SAMPLES / "files")


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_sample_compiles_without_diagnostics(path: Path) -> None:
    result = sample(path)
    assert not result.diagnostics
    assert result.output().endswith(b"\n")


def test_there_are_enough_samples_of_every_dialect() -> None:
    releases = [sample(path).release for path in GOOD]
    assert len(releases) >= 15
    assert {release.dialect for release in releases if release} == {"fcos", "flatcar", "openshift", "r4e", "fiot"}


@pytest.mark.parametrize("path", [*GOOD, *BROKEN], ids=lambda path: path.stem)
def test_a_sample_opens_with_a_comment_on_what_it_shows(path: Path) -> None:
    first = path.read_text().splitlines()[0]
    assert first.startswith("# Wrong: " if path in BROKEN else "# ")
    assert len(first) > 30


def leaves_without_place(result: Compiled) -> list[str]:
    """Pointers of the output's leaves that no node of the author's document stands for."""
    assert result.config is not None
    assert result.author is not None
    lost = []
    for leaf in source_map(result.config):
        place = result.author.place(leaf.record, leaf.row.name, leaf.item)
        if not isinstance(place, Node) and leaf.pointer != "/ignition/version":
            lost.append(leaf.pointer)
    return lost


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_every_leaf_of_a_samples_output_has_a_place_in_the_document(path: Path) -> None:
    assert not leaves_without_place(sample(path))


@pytest.mark.parametrize("case", NEWEST_CASES, ids=lambda case: case.name)
def test_every_leaf_of_a_cases_output_has_a_place_in_the_document(case: Case) -> None:
    assert not leaves_without_place(compile_document(case.text.encode(), case.name, case.options))


def test_the_place_of_a_leaf_is_the_authors_own_value() -> None:
    result = sample(SAMPLES / "data-disk.bu")
    assert result.config is not None
    assert result.author is not None
    lines = (SAMPLES / "data-disk.bu").read_text().splitlines()
    shown: dict[str, str] = {}
    for leaf in source_map(result.config):
        place: Any = result.author.place(leaf.record, leaf.row.name, leaf.item)
        if leaf.pointer != "/ignition/version":
            shown[leaf.pointer] = lines[span_of(place).line - 1].strip()
    assert "label: " in shown["/storage/disks/0/partitions/0/label"]
    assert "with_mount_unit: true" in shown["/systemd/units/0/contents"]
    assert child(result.document.root, "storage") is not None


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_sample_says_what_is_wrong(path: Path) -> None:
    result = compiled(path, SAMPLES / "broken" / "files")
    assert " ".join(sorted(found.code for found in result.diagnostics)) == EXPECTED[path.stem]
    for found in result.diagnostics:
        assert found.span.line <= len(result.sources[found.file].splitlines()) + 1


def test_every_broken_sample_is_expected_to_break() -> None:
    assert set(EXPECTED) == {path.stem for path in BROKEN}


def outputs_that_debian_knows() -> list[tuple[str, bytes]]:
    """The Ignition configs of samples and cases whose spec is old enough."""
    found = []
    for path in GOOD:
        result = compile_document(path.read_bytes(), path.name, Options(str(SAMPLES / "files"), raw=True))
        if result.release is not None and result.config is not None and result.release.spec <= NEWEST_OF_DEBIAN:
            found.append((path.stem, to_json(encode(result.config, result.release.spec))))
    for case in ALL:
        if case.release.spec <= NEWEST_OF_DEBIAN and case.expected() is not None:
            result = compile_document(case.text.encode(), case.name, case.options._replace(raw=True))
            assert result.config is not None
            found.append((f"{case.name}-{case.release.name}", to_json(encode(result.config, case.release.spec))))
    return found


@pytest.fixture(scope="module")
def judge() -> str:
    """Debian's ignition-validate, which CI must have."""
    if not os.path.exists(VALIDATE):
        said = "ignition-validate is missing: apt-get install ignition"
        if os.environ.get("CI"):
            pytest.fail(said)
        pytest.skip(said)
    return VALIDATE


@pytest.mark.parametrize(
    ("name", "output"), outputs_that_debian_knows(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_debians_ignition_takes_the_output(name: str, output: bytes, judge: str) -> None:
    ran = subprocess.run([judge, "-"], input=output, capture_output=True, timeout=30)
    assert ran.returncode == 0, ran.stderr.decode()


def test_debians_ignition_refuses_what_is_wrong(judge: str) -> None:
    wrong = b'{"ignition":{"version":"3.3.0"},"storage":{"files":[{"path":"relative"}]}}'
    assert subprocess.run([judge, "-"], input=wrong, capture_output=True, timeout=30).returncode != 0
