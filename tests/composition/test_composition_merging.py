"""Documents that are built into one config: merged as Ignition merges, checked as a whole, each problem at its own place."""

import json
from pathlib import Path

import pytest
from composition_shared import HEAD, built, config_of, told, write
from hypothesis import given
from strategies import configs

from provision.composition.building import compose
from provision.composition.parts import documents_of, read_parts
from provision.composition.placing import Spot, pinned
from provision.diagnostics import ProvisionError
from provision.ignition import NEWEST, Config, full_version
from provision.record import encode, walk
from provision.transpile.author import Options
from provision.transpile.compile import compile_document

UNIT = "systemd:\n  units:\n    - name: web.service\n"
IGNITION = '{"ignition": {"version": "3.2.0"}, "storage": {"files": [{"path": "/usr/x", "mode": 2541}]}}'


def test_entries_are_joined_by_name_and_lists_put_together(tmp_path: Path) -> None:
    done = built(
        tmp_path,
        a_bu=f"{UNIT}      contents: |\n        [Service]\n        ExecStart=/usr/bin/web\nkernel_arguments:\n  should_exist: [quiet, a]\n",
        b_bu=f"{UNIT}      dropins:\n        - name: 10-a.conf\n          contents: |\n            [Service]\n            Nice=5\nkernel_arguments:\n  should_exist: [b, quiet]\n",
    )
    config = config_of(done)
    (unit,) = config["systemd"]["units"]
    assert (unit["contents"], unit["dropins"][0]["name"]) == ("[Service]\nExecStart=/usr/bin/web\n", "10-a.conf")
    assert config["kernelArguments"]["shouldExist"] == ["quiet", "a", "b"]
    assert not done.diagnostics


def test_the_order_is_that_of_the_documents_and_a_folder_is_its_files_by_name(tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    parts.mkdir()
    write(parts, z_bu="storage:\n  files: [{path: /z}]\n", b_bu="storage:\n  files: [{path: /b}]\n")
    (parts / "_header.bu").write_text("not: a document\n")
    (parts / ".hidden.bu").write_text("not: a document\n")
    (parts / "README").write_text("not a document")
    (parts / "below").mkdir()
    first = write(tmp_path, y_bu="storage:\n  files: [{path: /y}]\n")
    files = documents_of([*first, str(parts)])
    assert [Path(file).name for file in files] == ["y.bu", "b.bu", "z.bu"]
    config = config_of(compose(read_parts(files, Options()), Options()))
    assert [file["path"] for file in config["storage"]["files"]] == ["/y", "/b", "/z"]


def test_a_folder_without_documents_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProvisionError, match="no document is in this folder"):
        documents_of([str(tmp_path)])


def test_the_newest_spec_that_a_document_needs_is_written(tmp_path: Path) -> None:
    done = built(
        tmp_path, a_ign=IGNITION, b_bu="variant: flatcar\nversion: 1.1.0\nstorage:\n  links: [{path: /l, target: /z}]\n"
    )
    config = config_of(done)
    assert config["ignition"]["version"] == "3.4.0"
    assert config["storage"]["links"][0]["target"] == "/z"


def test_special_bits_of_an_old_document_have_no_effect_in_a_new_config(tmp_path: Path) -> None:
    old = config_of(built(tmp_path, a_ign=IGNITION))
    new = config_of(built(tmp_path, a_ign=IGNITION, b_bu="variant: fcos\nversion: 1.7.0\n"))
    assert (old["storage"]["files"][0]["mode"], new["storage"]["files"][0]["mode"]) == (0o4755, 0o755)


def test_any_dialect_takes_part(tmp_path: Path) -> None:
    done = built(
        tmp_path,
        a_bu="passwd:\n  users: [{name: core}]\n",
        b_yaml="#cloud-config\nhostname: box\n",
        web_service="[Service]\nExecStart=/usr/bin/web\n[Install]\nWantedBy=multi-user.target\n",
        c_ign='{"ignition": {"version": "3.0.0"}}',
    )
    config = config_of(done)
    assert config["storage"]["files"][0]["path"] == "/etc/hostname"
    assert [unit["name"] for unit in config["systemd"]["units"]] == ["web.service"]


def test_a_problem_of_the_whole_stands_in_the_document_that_it_comes_from(tmp_path: Path) -> None:
    done = built(
        tmp_path,
        a_bu=f"{UNIT}      enabled: true\n",
        b_bu=f"storage:\n  files:\n    - path: relative\n{UNIT}      contents: |\n        [Service]\n        ExecStart=/usr/bin/web\n        Nise=3\n",
    )
    assert told(done) == ["b.bu:5:13 PV301", "b.bu:9:17 PV503", "b.bu:12:9 PV507"]
    assert done.failed


def test_what_is_only_right_together_is_right(tmp_path: Path) -> None:
    """A file system without a format can't be wiped; another document brings the format."""
    a = "storage:\n  filesystems:\n    - device: /dev/vdb\n      wipe_filesystem: true\n      path: /var/data\n"
    b = "storage:\n  filesystems:\n    - device: /dev/vdb\n      format: xfs\n"
    assert compile_document((HEAD + a).encode(), "a.bu").failed
    assert not built(tmp_path, a_bu=a, b_bu=b).diagnostics


def test_an_element_of_a_merged_list_is_found_in_its_own_document(tmp_path: Path) -> None:
    raid = "storage:\n  raid:\n    - name: data\n      level: raid1\n      devices:\n"
    done = built(
        tmp_path,
        a_bu=f"{raid}        - /dev/vdb\n        - vdc\n",
        b_bu=f"{raid}        - /dev/vdd\n        - vde\n",
    )
    assert told(done) == ["a.bu:9:11 PV301", "b.bu:9:11 PV301"]


def test_entries_that_stand_twice_in_one_document_are_told(tmp_path: Path) -> None:
    twice = "storage:\n  files:\n    - path: /a\n      mode: 0644\n    - path: /a\n      mode: 0600\n"
    assert told(built(tmp_path, a_bu=twice, b_bu="storage:\n  files: [{path: /a}]\n")) == ["a.bu:7:7 PV300"]
    assert told(built(tmp_path, b_bu="storage:\n  files: [{path: /a}]\n", a_bu=twice)) == ["a.bu:7:7 PV300"]


def test_a_document_that_cannot_be_read_fails_the_build_and_the_others_are_read(tmp_path: Path) -> None:
    done = built(tmp_path, a_bu="storage: [\n", b_bu="storages: {}\n")
    assert (done.config, done.failed) == (None, True)
    assert {Path(each.file).name for each in done.diagnostics} == {"a.bu", "b.bu"}


def test_comments_silence_what_the_whole_shows(tmp_path: Path) -> None:
    unit = f"{UNIT}      contents: |\n        [Service]\n        ExecStart=/usr/bin/web\n"
    enabled = f"{UNIT}      enabled: true\n"
    assert told(built(tmp_path, a_bu=unit, b_bu=enabled)) == ["a.bu:6:17 PV503"]
    silent = unit.replace("      contents", "      # provision: ignore[PV503] something else starts it\n      contents")
    assert not built(tmp_path, a_bu=silent, b_bu=enabled).diagnostics


def test_a_target_is_written_and_what_it_lacks_is_told_in_its_document(tmp_path: Path) -> None:
    options = Options(target="3.1.0")
    assert (
        config_of(built(tmp_path, options=options, a_bu="storage:\n  files: [{path: /a}]\n"))["ignition"]["version"]
        == "3.1.0"
    )
    done = built(
        tmp_path,
        options=options,
        a_bu="storage:\n  files: [{path: /a}]\n",
        b_bu="kernel_arguments:\n  should_exist: [quiet]\n",
    )
    assert (done.failed, [each.partition(":")[0] for each in told(done)]) == (True, ["b.bu"])


def test_a_silenced_conflict_does_not_keep_from_the_target(tmp_path: Path) -> None:
    mode = "storage:\n  files:\n    - path: /a\n      mode: {} # provision: ignore[PV790] b has the last word\n"
    options = Options(target="3.1.0")
    config = config_of(built(tmp_path, options=options, a_bu=mode.format("0644"), b_bu=mode.format("0600")))
    assert (config["ignition"]["version"], config["storage"]["files"][0]["mode"]) == ("3.1.0", 0o600)


def test_the_source_map_names_the_document_of_each_entry(tmp_path: Path) -> None:
    done = built(
        tmp_path,
        a_bu="storage:\n  files: [{path: /a}]\n",
        b_bu="storage:\n  files:\n    - path: /b\n    - path: /a\n      mode: 0644\n",
    )
    places = {subject: (Path(place.file).name, place.line) for subject, place in done.places().items()}
    assert places["storage.files /b"] == ("b.bu", 5)
    assert places["storage.files /a"] == ("b.bu", 6)


@given(configs())
def test_telling_every_part_its_place_changes_nothing(config: Config) -> None:
    config = config.changed(ignition=config.ignition.changed(version=full_version(NEWEST)))
    data = json.dumps(encode(config, NEWEST)).encode()
    compiled = compile_document(data, "a.ign", Options(fragment=True))
    assert compiled.config is not None
    assert compiled.author is not None
    placed = pinned(compiled.config, compiled.author)
    assert placed == compiled.config
    assert all(isinstance(record.origin, Spot) for record in walk(placed))
    assert encode(placed, NEWEST) == encode(compiled.config, NEWEST)
