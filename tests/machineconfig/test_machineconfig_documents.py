"""MachineConfigs as documents: several in a file, their versions, and that Butane's are read back as they were."""

import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from provision.document import read
from provision.record import encode
from provision.schema.machineconfig import MachineConfig
from provision.transpile.author import Options
from provision.transpile.compile import compile_all, compile_document
from provision.transpile.machineconfig.rules import MAX_BYTES

ROOT = Path(__file__).parent.parent.parent
CASES = ROOT / "tests" / "cases"
SAMPLES = ROOT / "samples"
OPENSHIFT = [
    path for path in sorted([*(CASES / "butane").glob("*.bu"), *SAMPLES.glob("*.bu")])
    if "variant: openshift" in path.read_text()
]  # fmt: skip
HEAD = """apiVersion: machineconfiguration.openshift.io/v1
kind: MachineConfig
metadata:
  name: {name}
  labels:
    machineconfiguration.openshift.io/role: {role}
"""


def config(name: str = "50-worker-a", role: str = "worker", spec: str = "spec: {}\n") -> str:
    return HEAD.format(name=name, role=role) + spec


def codes(text: str) -> list[str]:
    """What `provision validate` says of a file."""
    return [found.code for one in compile_all(text.encode(), "a.yaml") for found in one.diagnostics]


# ---- the way back -----------------------------------------------------------------------------------------------


def outputs() -> list[Any]:
    """What Butane's openshift cases and samples become, but the experimental ones, which no cluster takes."""
    found = []
    for path in OPENSHIFT:
        files = SAMPLES / "files" if SAMPLES in path.parents else CASES / "files"
        text = path.read_bytes() if b"\nversion:" in path.read_bytes() else b"version: 4.14.0\n" + path.read_bytes()
        compiled = compile_document(text, path.name, Options(str(files)))
        if not compiled.failed and compiled.release and compiled.release.spec <= (3, 5):
            found.append(pytest.param(compiled.output(), id=path.stem))
    return found


@pytest.mark.parametrize("output", outputs())
def test_a_machineconfig_of_butane_is_read_back_as_it_was(output: bytes) -> None:
    written = YAML(typ="safe").load(output)
    (found,) = compile_all(output, "out.yaml")
    assert not found.failed, found.diagnostics
    assert isinstance(found.root, MachineConfig)
    assert found.release is not None
    assert found.root.spec.config is not None
    again = {
        "config": encode(found.root.spec.config, found.release.spec),
        "kernelArguments": list(found.root.spec.kernel_arguments), "extensions": list(found.root.spec.extensions),
        "fips": found.root.spec.fips, "kernelType": found.root.spec.kernel_type,
    }  # fmt: skip
    assert {key: value for key, value in again.items() if value not in (None, [])} == written["spec"]
    assert (found.root.metadata.name, found.root.metadata.labels) == (
        written["metadata"]["name"], written["metadata"]["labels"],
    )  # fmt: skip


def test_there_are_enough_configs_for_the_way_back() -> None:
    assert len(outputs()) > 5


def test_what_butane_writes_transpiles_to_what_butane_writes_raw() -> None:
    path = SAMPLES / "openshift-chrony.bu"
    options = Options(str(SAMPLES / "files"))
    wrapped = compile_document(path.read_bytes(), "a.bu", options).output()
    raw = compile_document(path.read_bytes(), "a.bu", options._replace(raw=True)).output()
    assert json.loads(compile_document(wrapped, "a.yaml").output()) == json.loads(raw)


# ---- several in a file ------------------------------------------------------------------------------------------


def test_each_object_of_a_file_is_checked_at_its_own_lines() -> None:
    text = config(spec="spec:\n  kernelType: fast\n") + "---\n" + config("51-worker-b", spec="spec:\n  fips: 1\n")
    found = [
        (one.code, one.span.line, one.path) for each in compile_all(text.encode(), "a") for one in each.diagnostics
    ]
    assert found == [("PV675", 8, "spec.kernelType"), ("PV102", 17, "spec.fips")]


def test_items_of_a_list_are_objects() -> None:
    items = [
        json.dumps(YAML(typ="safe").load(config(f"5{at}-worker-a", spec="spec:\n  kernelType: fast\n")))
        for at in (0, 1)
    ]
    text = '{"apiVersion": "v1", "kind": "List", "items": [\n' + ",\n".join(items) + "]}"
    found = [one for each in compile_all(text.encode(), "a.json") for one in each.diagnostics]
    assert [(one.code, one.span.line) for one in found] == [("PV675", 2), ("PV675", 3)]


def test_other_documents_still_stand_alone() -> None:
    butane = "variant: fcos\nversion: 1.5.0\n"
    assert codes(f"{butane}---\n{butane}") == ["PV004"]
    assert codes(f"{config()}---\n{butane}") == ["PV004"]
    assert codes(f"{butane}---\n{config()}") == ["PV004"]


def test_empty_documents_between_objects_are_nothing() -> None:
    assert codes(f"---\n---\n{config()}---\n# nothing\n---\n{config('51-worker-b')}---\n") == []


def test_a_mistake_of_yaml_in_a_later_object_is_told() -> None:
    document = read(f"{config()}---\n{config()}  a: [\n".encode(), "a.yaml")
    assert [found.code for found in document.diagnostics] == ["PV002"]


def test_a_config_does_not_win_over_itself() -> None:
    files = "        - {filesystem: root, path: /etc/a, mode: 420, contents: {source: 'data:,a'}}\n"
    spec = "spec:\n  config:\n    ignition: {version: 2.2.0}\n    storage:\n      files:\n"
    found = codes(config(spec=spec + files * 2) + "---\n" + config("51-worker-b", spec=spec + files))
    assert found.count("PV779") == 1


def test_a_comment_silences_in_its_own_object_only() -> None:
    doubtful = "spec:\n  kernelArguments:\n    - a\n    - a{}\n"
    silenced = doubtful.format(" # provision: ignore[PV775] the driver wants it twice")
    assert codes(config(spec=silenced) + "---\n" + config("51-worker-b", spec=doubtful.format(""))) == ["PV775"]
    assert codes(config(spec="spec: {} # provision: ignore[PV775] no reason\n") + "---\n" + config("51-worker-b")) == [
        "PV010"
    ]


def test_many_objects_take_time_in_proportion() -> None:
    text = "---\n".join(config(f"{at:05}-a") for at in range(2000))
    assert len(compile_all(text.encode(), "a.yaml")) == 2000
    comment = "---\n".join(config(f"{at:05}-a", spec="spec: {} # provision: ignore[PV765] old\n") for at in range(300))
    assert {found.code for one in compile_all(comment.encode(), "a.yaml") for found in one.diagnostics} <= {
        "PV765",
        "PV010",
    }


# ---- what one object may be -------------------------------------------------------------------------------------


def test_a_config_that_is_too_large_for_the_store_is_refused() -> None:
    spec = "spec:\n  config:\n    ignition: {{version: 3.4.0}}\n    storage:\n      files:\n        - path: /etc/a\n          mode: 420\n          contents: {{source: 'data:,{}'}}\n"
    sizes = {
        found: codes(config(spec=spec.format("x" * found)))
        for found in (MAX_BYTES // 2, MAX_BYTES * 9 // 10, MAX_BYTES)
    }
    assert list(sizes.values()) == [[], ["PV764"], ["PV764"]]
    severities = [
        compile_all(config(spec=spec.format("x" * size)).encode(), "a")[0].diagnostics[0].severity
        for size in list(sizes)[1:]
    ]
    assert severities == ["warning", "error"]


@pytest.mark.parametrize("empty", ["config: {}", "config:", "fips: false"])
def test_an_empty_config_needs_no_version(empty: str) -> None:
    assert codes(config(spec=f"spec:\n  {empty}\n")) == []


def test_validating_does_not_speak_of_what_only_transpiling_loses() -> None:
    text = config(spec="spec:\n  extensions: [usbguard]\n")
    assert codes(text) == []
    assert [found.code for found in compile_document(text.encode(), "a.yaml").diagnostics] == ["PV757"]


def test_a_word_of_yaml_that_is_a_boolean_to_kubernetes_is_no_text() -> None:
    for word in ("yes", "off", "true", "3", "1.5"):
        text = config(role=word)
        assert codes(text) == ["PV102"], word
    assert codes(config(role="'yes'")) == []


def test_a_colon_in_a_flow_list_is_part_of_a_word() -> None:
    luks = "{name: root, device: /dev/vdb, options: [--cipher, aes-cbc-essiv:sha256]}"
    spec = f"spec:\n  config:\n    ignition: {{version: 3.2.0}}\n    storage: {{luks: [{luks}]}}\n"
    (found,) = compile_all(config(spec=spec).encode(), "a.yaml")
    assert not found.failed
    assert found.config is not None
    assert found.config.storage.luks[0].options == ("--cipher", "aes-cbc-essiv:sha256")
