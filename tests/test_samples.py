"""The documents that we hand out: the good ones compile without a word, the broken ones say what is wrong."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cli_console import provision
from ruamel.yaml.nodes import Node
from test_cases import ALL, Case

from provision.decompile.contents import MAX_TEXT, content_of
from provision.decompile.files import decompiled
from provision.diagnostics import Span, span_of
from provision.document.nodes import child
from provision.ignition import Resource
from provision.record import encode, source_map
from provision.transpile.author import Options
from provision.transpile.compile import Compiled, compile_document
from provision.transpile.output import to_json

SAMPLES = Path(__file__).parent.parent / "samples"
GOOD = sorted(SAMPLES.glob("*.bu"))
OLDER_DIALECTS = ("cloud-config", "clc", "ignition2", "machineconfig", "cloud-init", "units", "fleet")
OLDER = sorted(path for name in OLDER_DIALECTS for path in (SAMPLES / name).iterdir())
BROKEN = sorted(path for path in (SAMPLES / "broken").iterdir() if path.is_file())
# Each case that has an output, under the newest of its releases.
NEWEST_CASES = list({case.name: case for case in ALL if case.expected() is not None}.values())

NEWEST_OF_DEBIAN = (3, 3)

# What a sample needs to be told.
OPTIONS = {
    "etcd-member.yaml": Options(platform="ec2"),
    "web-server.yaml": Options(target_os="ubuntu"),
    "first-boot-script.sh": Options(every_boot=True),
}
# What there is to say of old configs that are as right as their authors could know.
REMARKS: dict[str, str] = {
    "10-worker-container-runtime.yaml": "PV774",
    "apache-discovery.1.service": "PV582 PV585 PV594",
    "apache-discovery.2.service": "PV582 PV585 PV594",
    "apache.1.service": "PV556 PV582 PV594",
    "apache.2.service": "PV556 PV582 PV594",
    "core-01-full.yaml": "PV411 PV520 PV525 PV525 PV551 PV551 PV702",
    "etcd2-central-services.yaml": "PV517 PV525 PV525 PV535 PV702 PV721",
    "etcd2-proxy-worker.yaml": "PV517 PV525 PV527 PV535 PV702",
    "hello_world@.service": "PV594",
    "update-best-effort.yaml": "PV712",
    "vagrant-user-data.yaml": "PV518 PV702 PV702 PV721 PV721",
    "web-cluster.yaml": "PV702 PV702",
    "worker-pointer.ign": "PV770 PV771",
}

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
    "non-breaking-space": "PV006",
    "oem-url": "PV204 PV204",
    "openshift-forbidden": "PV351 PV671 PV671 PV671 PV671 PV672 PV672 PV672 PV672 PV674 PV675",
    "partition-overlap": "PV310 PV312 PV313 PV314",
    "plain-text-source": "PV760 PV801",
    "relative-path": "PV301 PV301 PV301 PV301 PV301 PV301",
    "second-document": "PV004",
    "tab-indentation": "PV002",
    "two-contents": "PV352 PV601 PV601 PV630",
    "two-sources": "PV601 PV601",
    "unit-without-install": "PV501 PV503 PV503",
    "unknown-key": "PV101 PV101 PV101 PV101",
    "unknown-variant": "PV201",
    "wrong-header": "PV007",
    "wrong-type": "PV102 PV102 PV102 PV102 PV102",
}


def compiled(path: Path, files: Path) -> Compiled:
    return compile_document(path.read_bytes(), path.name, Options(str(files)))


def sample(path: Path) -> Compiled:
    options = OPTIONS.get(path.name, Options())._replace(files_dir=str(SAMPLES / "files"))
    return compile_document(path.read_bytes(), path.name, options)


def codes(result: Compiled) -> str:
    return " ".join(sorted(found.code for found in result.diagnostics))


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_sample_compiles_without_diagnostics(path: Path) -> None:
    result = sample(path)
    assert not result.diagnostics
    assert result.output().endswith(b"\n")


def test_there_are_enough_samples_of_every_dialect() -> None:
    releases = [sample(path).release for path in GOOD]
    assert len(releases) >= 15
    assert {release.dialect for release in releases if release} == {"fcos", "flatcar", "openshift", "r4e", "fiot"}


@pytest.mark.parametrize("path", OLDER, ids=lambda path: path.name)
def test_a_sample_of_an_older_format_compiles_and_what_there_is_to_say_of_it_is_said(path: Path) -> None:
    result = sample(path)
    assert codes(result) == REMARKS.get(path.name, "")
    assert not result.failed
    assert result.output().endswith(b"\n")


def test_what_is_told_to_samples_and_said_of_them_is_about_samples_that_there_are() -> None:
    assert {*OPTIONS, *REMARKS} <= {path.name for path in OLDER}


@pytest.mark.parametrize(
    "path", [path for path in [*GOOD, *BROKEN] if path.suffix != ".ign"], ids=lambda path: path.stem
)
def test_a_sample_opens_with_a_comment_on_what_it_shows(path: Path) -> None:
    lines = path.read_text().splitlines()
    first = lines[path.suffix == ".yaml" and "cloud-config" in lines[0]]  # which has to be the first line itself
    assert first.startswith("# Wrong: " if path in BROKEN else "# ")
    assert len(first) > 30


def leaves_without_place(result: Compiled) -> list[str]:
    """Pointers of the output's leaves that no node of the author's document stands for."""
    assert result.config is not None
    assert result.author is not None
    lost = []
    for leaf in source_map(result.config):
        place = result.author.place(leaf.record, leaf.row.name, leaf.item)
        if not isinstance(place, (Node, Span)) and leaf.pointer != "/ignition/version":
            lost.append(leaf.pointer)
    return lost


@pytest.mark.parametrize("path", [*GOOD, *OLDER], ids=lambda path: path.name)
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
    assert codes(result) == EXPECTED[path.stem]
    for found in result.diagnostics:
        assert found.span.line <= len(result.sources[found.file].splitlines()) + 1


def test_every_broken_sample_is_expected_to_break() -> None:
    assert set(EXPECTED) == {path.stem for path in BROKEN}


def outputs_that_debian_knows() -> list[tuple[str, bytes]]:
    """The Ignition configs of samples and cases whose spec is old enough."""
    found = []
    for path in [*GOOD, *OLDER]:
        result = sample(path)
        if result.author is not None and result.config is not None and result.author.spec <= NEWEST_OF_DEBIAN:
            found.append((path.name, to_json(encode(result.config, result.author.spec))))
    for case in ALL:
        if case.release.spec <= NEWEST_OF_DEBIAN and case.expected() is not None:
            result = compile_document(case.text.encode(), case.name, case.options._replace(raw=True))
            assert result.config is not None
            found.append((f"{case.name}-{case.release.name}", to_json(encode(result.config, case.release.spec))))
    return found


def content(value: Any) -> Any:
    """JSON with what its data URLs hold in place of them; that a source is packed, or not, is no part of it."""
    if isinstance(value, list):
        return [content(item) for item in value]
    if not isinstance(value, dict):
        return value
    inner = {key: content(item) for key, item in value.items()}
    data = content_of(Resource(source=value.get("source"), compression=value.get("compression")), MAX_TEXT)
    return {**inner, "source": data, "compression": ""} if data is not None else inner


def meaning(result: Compiled) -> Any:
    """The config that a document stands for, whatever its spec."""
    assert result.config is not None
    return content(encode(result.config.changed(ignition=result.config.ignition.changed(version="")), (3, 7)))


@pytest.mark.parametrize("path", OLDER, ids=lambda path: path.name)
def test_what_a_sample_of_an_older_format_is_converted_to_is_transpiled_to_an_equal_config(path: Path) -> None:
    result = sample(path)
    back = decompiled(result)
    assert back.text is not None, back.diagnostics
    again = compile_document(back.text.encode(), "again.bu", Options(str(SAMPLES / "files")))
    assert not {found.code for found in again.diagnostics} & {"PV101", "PV203"}
    if back.release is not None and back.release.dialect == "openshift":
        again = compile_document(again.output(), "again.yaml")
    assert meaning(again) == meaning(result)


@pytest.mark.parametrize("name", ["core-01-full", "etcd2-central-services", "etcd2-proxy-worker"])
def test_a_cloud_config_applies_to_a_directory_as_its_author_meant_it(name: str, tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    for table in ("passwd", "group", "shadow"):
        (tmp_path / "etc" / table).touch()
    rootless = () if os.geteuid() == 0 else ("--skip", "users")
    ran = provision("apply", SAMPLES / "cloud-config" / f"{name}.yaml", "--root", tmp_path, *rootless)
    assert (ran.code, "Traceback" in ran.err) == (0, False), ran.err
    settings = (tmp_path / "etc/systemd/system/etcd2.service.d/20-cloudinit.conf").read_text()
    assert settings.startswith("[Service]\nEnvironment=")
    assert (tmp_path / "etc/provision/render.sh").exists() == (name == "etcd2-central-services")
    assert ("ETCD_PROXY=on" in settings) == (name == "etcd2-proxy-worker")
    if name == "core-01-full":
        assert (tmp_path / "etc/hostname").read_text() == "core-01\n"
        assert (tmp_path / "etc/coreos/update.conf").read_text() == "REBOOT_STRATEGY=off\n"
        assert os.readlink(tmp_path / "etc/systemd/system/locksmithd.service") == "/dev/null"


@pytest.mark.parametrize(
    ("name", "output"), outputs_that_debian_knows(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_debians_ignition_takes_the_output(name: str, output: bytes, judge: str) -> None:
    ran = subprocess.run([judge, "-"], input=output, capture_output=True, timeout=30)
    assert ran.returncode == 0, ran.stderr.decode()


def test_debians_ignition_refuses_what_is_wrong(judge: str) -> None:
    wrong = b'{"ignition":{"version":"3.3.0"},"storage":{"files":[{"path":"relative"}]}}'
    assert subprocess.run([judge, "-"], input=wrong, capture_output=True, timeout=30).returncode != 0
