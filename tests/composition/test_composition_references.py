"""`ignition.config.merge` in a document is merged at build time, to what a machine would make of it at its first boot."""

import json
from pathlib import Path
from typing import Any

import pytest
from composition_shared import built, config_of, told, write
from hypothesis import given
from strategies import apart, configs

from provision.apply.reading import read_config
from provision.apply.references import render
from provision.composition.building import compose
from provision.composition.parts import read_parts
from provision.contents import data_url
from provision.diagnostics import ProvisionError
from provision.ignition import NEWEST, Config, ConfigReference, ConfigReferences, full_version
from provision.record import encode
from provision.transpile.author import Options
from provision.transpile.compile import compile_document

OTHER = "storage:\n  files:\n    - path: /etc/motd\n      mode: 0600\n    - path: /other\npasswd:\n  users: [{name: core, groups: [b]}]\n"
OUTER = "ignition:\n  config:\n    merge:\n      - local: other.bu\nstorage:\n  files:\n    - path: /etc/motd\n      mode: 0644\npasswd:\n  users: [{name: core, groups: [a]}]\n"
INLINE = '{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/inline"}]}}'


def rendered(document: Path, folder: Path) -> dict[str, Any]:
    """What a machine makes of a transpiled document, as JSON of the newest spec."""
    compiled = compile_document(document.read_bytes(), str(document), Options(files_dir=str(folder)))
    assert not compiled.failed, compiled.diagnostics
    return whole(render(read_config(compiled.output()).config))


def whole(config: Config) -> dict[str, Any]:
    """A config as JSON of the newest spec, without references that are done with."""
    ignition = config.ignition.changed(config=ConfigReferences(), version=full_version(NEWEST))
    return encode(config.changed(ignition=ignition), NEWEST)


def test_a_machine_gets_the_same_from_both(tmp_path: Path) -> None:
    write(tmp_path, other_bu=OTHER)
    done = built(tmp_path, outer_bu=OUTER)
    config = config_of(done)
    assert "config" not in config["ignition"]
    assert [(file["path"], file.get("mode")) for file in config["storage"]["files"]] == [
        ("/etc/motd", 0o600),
        ("/other", None),
    ]
    assert config["passwd"]["users"][0]["groups"] == ["a", "b"]
    assert rendered(tmp_path / "outer.bu", tmp_path) == whole(read_config(done.output()).config)
    assert not done.diagnostics


def test_it_stays_one_config_inside_another_for_transpile(tmp_path: Path) -> None:
    write(tmp_path, other_bu=OTHER, outer_bu=OUTER)
    compiled = compile_document((tmp_path / "outer.bu").read_bytes(), "outer.bu", Options(files_dir=str(tmp_path)))
    (reference,) = json.loads(compiled.output())["ignition"]["config"]["merge"]
    assert reference["source"].startswith("data:")


def test_references_may_be_nested_and_inline(tmp_path: Path) -> None:
    write(
        tmp_path,
        inner_bu="storage:\n  files: [{path: /inner}]\n",
        other_bu=OUTER.replace("other.bu", "inner.bu").replace("/etc/motd", "/x"),
    )
    outer = f"ignition:\n  config:\n    merge:\n      - local: other.bu\n      - inline: '{INLINE}'\n"
    config = config_of(built(tmp_path, outer_bu=outer))
    assert [file["path"] for file in config["storage"]["files"]] == ["/x", "/inner", "/inline"]
    assert "config" not in config["ignition"]


def test_what_has_to_be_fetched_stays_and_all_that_follows_it(tmp_path: Path) -> None:
    outer = f"ignition:\n  config:\n    merge:\n      - inline: '{INLINE}'\n      - source: https://example.com/a.ign\n      - inline: '{INLINE.replace('/inline', '/late')}'\n"
    config = config_of(built(tmp_path, outer_bu=outer))
    first, second = config["ignition"]["config"]["merge"]
    assert first["source"] == "https://example.com/a.ign"
    assert second["source"].startswith("data:")
    assert [file["path"] for file in config["storage"]["files"]] == ["/inline"]


def test_a_replacement_stays(tmp_path: Path) -> None:
    write(tmp_path, other_bu=OTHER)
    config = config_of(built(tmp_path, outer_bu=OUTER.replace("merge:\n      - local", "replace:\n        local")))
    assert config["ignition"]["config"]["replace"]["source"].startswith("data:")


def test_the_result_has_the_spec_of_the_newest(tmp_path: Path) -> None:
    write(tmp_path, other_bu="variant: fcos\nversion: 1.6.0\nstorage:\n  files: [{path: /new}]\n")
    assert config_of(built(tmp_path, outer_bu=OUTER))["ignition"]["version"] == "3.5.0"


def test_a_problem_stands_in_the_document_that_is_brought_in(tmp_path: Path) -> None:
    write(tmp_path, other_bu="storage:\n  files:\n    - path: /x\n      contents: {source: nonsense}\n")
    assert told(built(tmp_path, outer_bu=OUTER)) == ["other.bu:6:26 PV801"]


def test_a_later_document_conflicts_with_what_was_brought_in(tmp_path: Path) -> None:
    write(tmp_path, other_bu=OTHER)
    done = built(tmp_path, outer_bu=OUTER, z_bu="storage:\n  files:\n    - path: /etc/motd\n      mode: 0640\n")
    (found,) = done.diagnostics
    assert found.message == f"`mode` of storage.files /etc/motd is 0640 here and 0600 at {tmp_path}/other.bu:6:13"


def test_a_circle_is_told(tmp_path: Path) -> None:
    write(tmp_path, other_bu=OUTER.replace("other.bu", "outer.bu"))
    done = built(tmp_path, outer_bu=OUTER)
    assert done.failed
    assert {each.code for each in done.diagnostics} == {"PV602"}


@pytest.mark.parametrize("source", ["data:,", "data:,nonsense", "data:;base64,!"])
def test_what_is_no_config_is_left_as_it_is(tmp_path: Path, source: str) -> None:
    outer = json.dumps({"ignition": {"version": "3.4.0", "config": {"merge": [{"source": source}]}}})
    (tmp_path / "outer.ign").write_text(outer)
    done = compose(read_parts([str(tmp_path / "outer.ign")], Options()), Options())
    if not done.failed:
        assert json.loads(done.output())["ignition"]["config"]["merge"] == [{"source": source}]


@given(configs(), configs(), configs())
def test_building_gives_what_a_machine_makes(
    tmp_path_factory: pytest.TempPathFactory, outer: Config, first: Config, second: Config
) -> None:
    """Whatever the configs: a build merges as the applier does, whose rules those of Ignition are."""
    folder = tmp_path_factory.getbasetemp()
    version = full_version(NEWEST)

    def written(config: Config, merged: tuple[Config, ...] = ()) -> bytes:
        references = tuple(ConfigReference(source=data_url(written(each))) for each in merged)
        section = ConfigReferences(merge=references)
        return json.dumps(
            encode(config.changed(ignition=config.ignition.changed(config=section, version=version)), NEWEST)
        ).encode()

    data = written(apart(outer), (apart(first), apart(second)))
    (folder / "outer.ign").write_bytes(data)
    done = compose(read_parts([str(folder / "outer.ign")], Options()), Options())
    if done.config is None or not done.config.ignition.config.empty():
        return  # one of them is wrong by itself, or all are empty
    try:
        expected = render(read_config(data).config)
    except ProvisionError:
        assert done.failed
        return
    assert whole(done.config) == whole(expected)
