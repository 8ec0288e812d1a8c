"""What the MachineConfigs of a pool are merged to. Each test is a row of what the operator does."""

import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from provision.diagnostics import ProvisionError
from provision.rendering import Merged, merge_files
from provision.schema.machineconfig import GENERATED_BY, ROLE, LabelSelector, Requirement
from provision.transpile.machineconfig.objects import words_of
from provision.transpile.machineconfig.pools import selector_of, selects

POOL = """
apiVersion: machineconfiguration.openshift.io/v1
kind: MachineConfigPool
metadata:
  name: infra
spec:
  machineConfigSelector:
    matchExpressions:
      - {key: machineconfiguration.openshift.io/role, operator: In, values: [worker, infra]}
  nodeSelector:
    matchLabels: {node-role.kubernetes.io/infra: ""}
"""


def machineconfig(name: str, role: str = "worker", annotations: dict[str, str] | None = None, **spec: Any) -> str:
    """A MachineConfig as JSON, which is YAML, too."""
    metadata = {"name": name, "labels": {ROLE: role}, "annotations": annotations or {}}
    api = "machineconfiguration.openshift.io/v1"
    return json.dumps({"apiVersion": api, "kind": "MachineConfig", "metadata": metadata, "spec": spec})


def with_files(*files: dict[str, Any], version: str = "3.2.0", **sections: Any) -> dict[str, Any]:
    """An Ignition config."""
    return {"ignition": {"version": version}, "storage": {"files": list(files)}, **sections}


def file(path: str, text: str, **more: Any) -> dict[str, Any]:
    return {"path": path, "mode": 420, "contents": {"source": f"data:,{text}"}, **more}


class Folder:
    """Files to merge."""

    def __init__(self, path: Path) -> None:
        self.path, self.files = path, 0

    def merged(self, *texts: str, pool: str | None = None, explain: bool = False, as_json: bool = False) -> Merged:
        paths = []
        for text in texts:
            self.files += 1
            path = self.path / f"{self.files}.yaml"
            path.write_text(text)
            paths.append(str(path))
        return merge_files(paths, pool, explain=explain, as_json=as_json)

    def object(self, *texts: str, pool: str | None = None) -> Any:
        merged = self.merged(*texts, pool=pool)
        assert merged.data is not None, merged.diagnostics
        return YAML(typ="safe").load(merged.data)

    def spec(self, *texts: str, pool: str | None = None) -> Any:
        return self.object(*texts, pool=pool)["spec"]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


# ---- which ------------------------------------------------------------------------------------------------------


def test_a_pool_takes_the_configs_of_its_role(folder: Folder) -> None:
    texts = [
        machineconfig("50-a", "worker", extensions=["usbguard"]),
        machineconfig("50-b", "master", extensions=["ipsec"]),
    ]
    assert folder.spec(*texts, pool="worker")["extensions"] == ["usbguard"]
    assert folder.spec(*texts, pool="master")["extensions"] == ["ipsec"]


def test_a_pool_of_ones_own_takes_workers_configs_too(folder: Folder) -> None:
    texts = [machineconfig("50-a", extensions=["usbguard"]), machineconfig("50-b", "infra", extensions=["ipsec"])]
    assert folder.spec(*texts)["extensions"] == ["usbguard", "ipsec"]


def test_a_pool_among_the_files_says_what_it_selects(folder: Folder) -> None:
    texts = [machineconfig("50-a", extensions=["usbguard"]), machineconfig("50-b", "infra", extensions=["ipsec"])]
    narrow = POOL.replace("[worker, infra]", "[infra]")
    assert folder.spec(*texts, narrow)["extensions"] == ["ipsec"]


@pytest.mark.parametrize(
    ("selector", "labels", "found"),
    [
        (selector_of("worker"), {ROLE: "worker"}, True),
        (selector_of("worker"), {ROLE: "infra"}, False),
        (selector_of("infra"), {ROLE: "worker"}, True),
        (LabelSelector(), {"a": "b"}, True),
        (LabelSelector(match_labels={"a": "b"}), {"a": "c"}, False),
        (LabelSelector(match_expressions=(Requirement(key="a", operator="Exists"),)), {"a": ""}, True),
        (LabelSelector(match_expressions=(Requirement(key="a", operator="DoesNotExist"),)), {"a": ""}, False),
        (LabelSelector(match_expressions=(Requirement(key="a", operator="NotIn", values=("b",)),)), {}, True),
        (LabelSelector(match_expressions=(Requirement(key="a", operator="NotIn", values=("b",)),)), {"a": "b"}, False),
    ],
)
def test_a_selector_means_what_kubernetes_means(selector: LabelSelector, labels: dict[str, str], found: bool) -> None:
    assert selects(selector, labels) is found


def test_a_pool_that_nothing_is_for_has_no_config(folder: Folder) -> None:
    with pytest.raises(ProvisionError, match=r"no MachineConfig is for the pool master; roles of the files: worker"):
        folder.merged(machineconfig("50-a"), pool="master")


def test_a_pool_that_no_file_speaks_of_is_a_slip(folder: Folder) -> None:
    with pytest.raises(
        ProvisionError, match=r"no file has a MachineConfig for infar, or the pool itself; .*: infra, w"
    ):
        folder.merged(machineconfig("50-a"), machineconfig("50-b", "infra"), pool="infar")


def test_the_pool_must_be_named_where_several_could_be_meant(folder: Folder) -> None:
    with pytest.raises(ProvisionError, match=r"which pool\? name one with --pool: edge, infra, worker"):
        folder.merged(machineconfig("50-a"), machineconfig("50-b", "infra"), machineconfig("50-c", "edge"))


def test_two_objects_of_one_name_are_refused(folder: Folder) -> None:
    with pytest.raises(ProvisionError, match=r"50-a is also in .*1\.yaml"):
        folder.merged(machineconfig("50-a"), machineconfig("50-a"))


def test_what_was_rendered_before_takes_no_part(folder: Folder) -> None:
    texts = [
        machineconfig("50-a", extensions=["ipsec"]),
        machineconfig("rendered-worker-0123", extensions=["usbguard"]),
    ]
    assert folder.spec(*texts, pool="worker")["extensions"] == ["ipsec"]


# ---- order ------------------------------------------------------------------------------------------------------


def test_the_later_name_wins_whatever_the_order_of_the_files(folder: Folder) -> None:
    texts = [
        machineconfig("99-b", config=with_files(file("/etc/motd", "late"))),
        machineconfig("10-a", config=with_files(file("/etc/motd", "early"))),
    ]
    for order in (texts, texts[::-1]):
        (found,) = folder.spec(*order)["config"]["storage"]["files"]
        assert found["contents"]["source"] == "data:,late"


def test_names_are_compared_as_text(folder: Folder) -> None:
    texts = [machineconfig(name, extensions=[name]) for name in ("9-x", "50-x", "100-x")]
    assert folder.spec(*texts)["extensions"] == ["100-x", "50-x", "9-x"]


def test_configs_of_ones_own_pool_beat_workers_whatever_their_number(folder: Folder) -> None:
    texts = [
        machineconfig("99-worker-motd", config=with_files(file("/etc/motd", "worker"))),
        machineconfig("10-infra-motd", "infra", config=with_files(file("/etc/motd", "infra"))),
    ]
    (found,) = folder.spec(*texts)["config"]["storage"]["files"]
    assert found["contents"]["source"] == "data:,infra"


# ---- what becomes of each part ----------------------------------------------------------------------------------


def test_without_a_config_the_result_is_empty_at_the_newest_spec(folder: Folder) -> None:
    assert folder.spec(machineconfig("50-a", fips=True))["config"] == {"ignition": {"version": "3.5.0"}}


def test_a_file_is_merged_field_by_field_and_appends_are_joined(folder: Folder) -> None:
    early = {**file("/etc/a", "one"), "append": [{"source": "data:,x"}]}
    late = {"path": "/etc/a", "mode": 384, "append": [{"source": "data:,y"}]}
    texts = [machineconfig("10-a", config=with_files(early)), machineconfig("20-b", config=with_files(late))]
    (found,) = folder.spec(*texts)["config"]["storage"]["files"]
    assert found == {
        "path": "/etc/a", "mode": 384, "overwrite": True, "contents": {"source": "data:,one"},
        "append": [{"source": "data:,x"}, {"source": "data:,y"}],
    }  # fmt: skip


def test_links_and_files_share_their_paths(folder: Folder) -> None:
    link = {"ignition": {"version": "3.2.0"}, "storage": {"links": [{"path": "/etc/a", "target": "b"}]}}
    texts = [machineconfig("10-a", config=with_files(file("/etc/a", "one"))), machineconfig("20-b", config=link)]
    assert folder.spec(*texts)["config"]["storage"] == {"links": [{"path": "/etc/a", "target": "b"}]}


def test_units_and_dropins_go_by_their_names(folder: Folder) -> None:
    def units(*units: dict[str, Any]) -> dict[str, Any]:
        return {"ignition": {"version": "3.2.0"}, "systemd": {"units": list(units)}}

    text = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"
    early = {
        "name": "a.service",
        "enabled": True,
        "contents": text,
        "dropins": [{"name": "1.conf", "contents": "[Unit]\n"}],
    }
    late = {"name": "a.service", "enabled": False, "dropins": [{"name": "2.conf", "contents": "[Unit]\n"}]}
    texts = [machineconfig("10-a", config=units(early)), machineconfig("20-b", config=units(late))]
    (found,) = folder.spec(*texts)["config"]["systemd"]["units"]
    assert (found["contents"], found["enabled"]) == (text, False)
    assert [each["name"] for each in found["dropins"]] == ["1.conf", "2.conf"]


def test_keys_of_a_user_are_joined(folder: Folder) -> None:
    def keys(*keys: str) -> dict[str, Any]:
        user = {"name": "core", "sshAuthorizedKeys": list(keys)}
        return {"ignition": {"version": "3.2.0"}, "passwd": {"users": [user]}}

    texts = [
        machineconfig("10-a", config=keys("ssh-ed25519 AAAA a")),
        machineconfig("20-b", config=keys("ssh-ed25519 BBBB b")),
    ]
    (user,) = folder.spec(*texts)["config"]["passwd"]["users"]
    assert user["sshAuthorizedKeys"] == ["ssh-ed25519 AAAA a", "ssh-ed25519 BBBB b"]


def test_disks_go_by_their_devices(folder: Folder) -> None:
    def disk(number: int) -> dict[str, Any]:
        partition = {"number": number, "label": f"p{number}", "sizeMiB": 100}
        return {
            "ignition": {"version": "3.2.0"},
            "storage": {"disks": [{"device": "/dev/vdb", "partitions": [partition]}]},
        }

    texts = [machineconfig("10-a", config=disk(1)), machineconfig("20-b", config=disk(2))]
    (found,) = folder.spec(*texts)["config"]["storage"]["disks"]
    assert [each["number"] for each in found["partitions"]] == [1, 2]


def test_configs_of_several_specs_meet_at_the_newest(folder: Folder) -> None:
    old = {"ignition": {"version": "2.2.0"}, "storage": {"files": [{**file("/etc/old", "a"), "filesystem": "root"}]}}
    texts = [
        machineconfig("10-a", config=old),
        machineconfig("20-b", config=with_files(file("/etc/new", "b"), version="3.4.0")),
    ]
    config = folder.spec(*texts)["config"]
    assert config["ignition"] == {"version": "3.5.0"}
    assert [each["path"] for each in config["storage"]["files"]] == ["/etc/old", "/etc/new"]


def test_a_content_takes_over_no_compression_from_below_it(folder: Folder) -> None:
    packed = {
        "path": "/etc/a",
        "mode": 420,
        "contents": {"compression": "gzip", "source": "data:;base64,H4sIAAAAAAAA/ysBAFNZuowBAAAA"},
    }
    texts = [
        machineconfig("10-a", config=with_files(packed)),
        machineconfig("20-b", config=with_files(file("/etc/a", "plain"))),
    ]
    (found,) = folder.spec(*texts)["config"]["storage"]["files"]
    assert found["contents"] == {"source": "data:,plain"}
    (kept,) = folder.spec(texts[0], machineconfig("20-c", config=with_files({"path": "/etc/a", "mode": 384})))[
        "config"
    ]["storage"]["files"]
    assert kept["contents"] == packed["contents"]
    assert kept["mode"] == 384


def test_every_file_overwrites_unless_it_says_otherwise(folder: Folder) -> None:
    files = [file("/etc/a", "a"), file("/etc/b", "b", overwrite=False), file("/etc/c", "c", overwrite=True)]
    found = folder.spec(machineconfig("10-a", config=with_files(*files)))["config"]["storage"]["files"]
    assert [each["overwrite"] for each in found] == [True, False, True]


def test_kernel_arguments_and_extensions_are_joined_with_their_repetitions(folder: Folder) -> None:
    texts = [
        machineconfig("10-a", kernelArguments=["a b", "c"], extensions=["ipsec"]),
        machineconfig("20-b", kernelArguments=["c"], extensions=["ipsec", "usbguard"]),
    ]
    spec = folder.spec(*texts)
    assert spec["kernelArguments"] == ["a b", "c", "c"]
    assert spec["extensions"] == ["ipsec", "ipsec", "usbguard"]


def test_a_repetition_that_only_the_whole_has_is_told(folder: Folder) -> None:
    merged = folder.merged(machineconfig("10-a", kernelArguments=["a"]), machineconfig("20-b", kernelArguments=["a"]))
    assert [found.code for found in merged.diagnostics] == ["PV775"]
    assert merged.diagnostics[0].file.startswith("rendered-worker-")
    assert merged.diagnostics[0].file in merged.sources


@pytest.mark.parametrize(("values", "whole"), [((False, True, False), True), ((False, False, False), False)])
def test_fips_is_on_if_any_config_wants_it(folder: Folder, values: tuple[bool, ...], whole: bool) -> None:
    assert folder.spec(*(machineconfig(f"{at}0-a", fips=value) for at, value in enumerate(values, 1)))["fips"] is whole


@pytest.mark.parametrize(
    ("types", "whole"),
    [
        ((), "default"), (("realtime", "default"), "realtime"), (("realtime", "64k-pages"), "64k-pages"),
        (("64k-pages", "realtime", ""), "realtime"), (("default",), "default"),
    ],
)  # fmt: skip
def test_the_last_special_kernel_wins_and_default_takes_nothing_back(
    folder: Folder, types: tuple[str, ...], whole: str
) -> None:
    texts = [machineconfig(f"{at}0-a", kernelType=each) for at, each in enumerate(types, 1)] or [machineconfig("10-a")]
    assert folder.spec(*texts)["kernelType"] == whole


def test_the_last_image_of_a_person_wins_over_those_of_controllers(folder: Folder) -> None:
    texts = [
        machineconfig("10-a", osImageURL="example.com/own"),
        machineconfig("00-worker", annotations={GENERATED_BY: "4.20"}, osImageURL="example.com/cluster"),
        machineconfig("99-z", annotations={GENERATED_BY: "4.20"}, osImageURL="example.com/cluster"),
    ]
    whole = folder.object(*texts)
    assert whole["spec"]["osImageURL"] == "example.com/own"
    assert whole["metadata"]["annotations"]["machineconfiguration.openshift.io/os-image-url-overridden"] == "true"
    assert "osImageURL" not in folder.spec(*texts[1:])


def test_kernel_headers_for_another_kernel_are_refused_in_the_whole(folder: Folder) -> None:
    merged = folder.merged(
        machineconfig("10-a", kernelType="realtime"), machineconfig("20-b", extensions=["kernel-devel"])
    )
    assert merged.data is None
    assert [found.code for found in merged.diagnostics] == ["PV763"]


@pytest.mark.parametrize(("size", "severity", "written"), [(700_000, "warning", True), (800_000, "error", False)])
def test_the_whole_fits_into_the_store(folder: Folder, size: int, severity: str, written: bool) -> None:
    texts = [machineconfig(f"{at}0-a", config=with_files(file(f"/etc/{at}", "x" * size))) for at in (1, 2)]
    merged = folder.merged(*texts)
    assert [(found.code, found.severity) for found in merged.diagnostics] == [("PV764", severity)]
    assert (merged.data is not None) is written


# ---- the result -------------------------------------------------------------------------------------------------


def test_the_name_follows_from_the_content_and_from_nothing_else(folder: Folder) -> None:
    one = machineconfig("50-a", fips=True, extensions=["ipsec"])
    turned = machineconfig("50-b", extensions=["ipsec"], fips=True)
    names = [folder.object(text)["metadata"]["name"] for text in (one, turned, machineconfig("50-a", fips=False))]
    assert names[0] == names[1] != names[2]
    assert names[0].startswith("rendered-worker-")
    assert len(names[0].rpartition("-")[2]) == 32


def test_the_result_is_a_machineconfig_that_merges_to_the_same(folder: Folder) -> None:
    merged = folder.merged(machineconfig("10-a", config=with_files(file("/etc/a", "a")), kernelArguments=["quiet"]))
    assert merged.data is not None
    whole = YAML(typ="safe").load(merged.data)
    whole["metadata"] = {"name": "20-again", "labels": {ROLE: "worker"}}
    assert folder.spec(json.dumps(whole)) == whole["spec"]
    assert merged.data.startswith(b"# Merged by provision")


def test_a_mistake_in_a_file_is_told_at_its_place_and_nothing_is_written(folder: Folder) -> None:
    merged = folder.merged(machineconfig("10-a"), POOL.replace("operator: In", "operator: Among"))
    assert merged.data is None
    (found,) = merged.diagnostics
    assert (found.code, found.span.line, Path(found.file).name) == ("PV777", 9, "2.yaml")


def test_butane_for_openshift_takes_part(folder: Folder) -> None:
    butane = (
        "variant: openshift\nversion: 4.14.0\nmetadata:\n  name: 60-worker-motd\n  labels:\n    " + ROLE + ": worker\n"
        "storage:\n  files:\n    - path: /etc/motd\n      mode: 0644\n      contents:\n        inline: hi\n"
    )
    texts = [machineconfig("50-a", config=with_files(file("/etc/motd", "early"))), butane]
    (found,) = folder.spec(*texts)["config"]["storage"]["files"]
    assert found["contents"]["source"] == "data:,hi"


def test_butane_for_a_spec_that_no_cluster_takes_is_not_passed_over(folder: Folder) -> None:
    butane = (
        "variant: openshift\nversion: 4.23.0-experimental\nmetadata:\n  name: 60-a\n  labels:\n    "
        + ROLE
        + ": worker\n"
    )
    merged = folder.merged(butane + "openshift:\n  fips: true\n", machineconfig("50-a"))
    assert merged.data is None
    assert "PV202" in [found.code for found in merged.diagnostics]


def test_other_configs_are_refused_by_name(folder: Folder) -> None:
    with pytest.raises(ProvisionError, match=r"1\.yaml: this is no MachineConfig"):
        folder.merged("variant: fcos\nversion: 1.5.0\n")


def test_the_explanation_tells_the_order_and_who_won(folder: Folder) -> None:
    texts = [
        machineconfig("10-a", config=with_files(file("/etc/a", "a"), file("/etc/b", "b"))),
        machineconfig("20-b", config=with_files(file("/etc/a", "c")), kernelType="realtime"),
        machineconfig("05-c", "infra", config=with_files(file("/etc/a", "d")), kernelType="64k-pages"),
    ]
    merged = folder.merged(*texts, explain=True)
    lines = merged.explanation.splitlines()
    assert lines[0] == "pool infra: 3 configs, later ones win"
    assert [line.split()[:2] for line in lines[1:4]] == [["10-a", "worker"], ["20-b", "worker"], ["05-c", "infra"]]
    assert lines[4:] == ["/etc/a: 05-c wins over 20-b, 10-a", "kernelType: 05-c wins over 20-b"]


def test_the_explanation_can_be_had_as_json(folder: Folder) -> None:
    texts = [machineconfig(f"{at}0-a", config=with_files(file("/etc/a", str(at)))) for at in (1, 2)]
    merged = folder.merged(*texts, explain=True, as_json=True)
    assert merged.data is not None
    found = json.loads(merged.data)
    assert found["contests"] == [{"what": "/etc/a", "winner": "20-a", "over": ["10-a"]}]
    assert [each["name"] for each in found["order"]] == ["10-a", "20-a"]
    assert found["object"]["kind"] == "MachineConfig"
    alone = folder.merged(texts[0], as_json=True)
    assert alone.data is not None
    assert json.loads(alone.data)["kind"] == "MachineConfig"


def test_a_quote_of_a_kernel_argument_that_is_left_open_lasts_to_its_end() -> None:
    assert words_of(('a="b c" d', 'e="f g')) == [('a="b c"', 0), ("d", 0), ('e="f g', 1)]
