"""Which release is chosen for a config, and what is said where none can hold it."""

import json
from typing import Any

import pytest
from round_trips import config_of

from provision.decompile.files import Decompiled, decompiled
from provision.transpile.compile import compile_document

LUKS = {"name": "data", "device": "/dev/sdb", "clevis": {"tpm2": True}}
OBJECT = """
apiVersion: machineconfiguration.openshift.io/v1
kind: MachineConfig
metadata:
  name: 99-worker-motd
  labels:
    machineconfiguration.openshift.io/role: worker
    team: web
spec:
  kernelArguments: [quiet, loglevel=3 nosmt]
  extensions: [usbguard]
  fips: true
  kernelType: realtime
  config:
    ignition:
      version: 3.4.0
    storage:
      files:
        - path: /etc/motd
          mode: 0644
          contents:
            source: data:,hello%0A
"""


def of(version: str, variant: str | None = None, **config: Any) -> Decompiled:
    whole = {"ignition": {"version": version}, **config}
    return decompiled(compile_document(json.dumps(whole).encode(), "x.ign"), variant)


def codes(found: Decompiled) -> list[str]:
    return [why.code for why in found.diagnostics if why.severity == "error"]


@pytest.mark.parametrize(
    ("version", "variant", "release"),
    [
        ("3.2.0", None, "fcos 1.3.0"),
        ("3.4.0", "flatcar", "flatcar 1.1.0"),
        ("3.0.0", "flatcar", "flatcar 1.0.0"),
        ("3.6.0", "flatcar", "flatcar 1.1.0"),
        ("3.5.0", "fiot", "fiot 1.0.0"),
        ("3.2.0", "openshift", "openshift 4.13.0"),
        ("3.3.0", "openshift", "openshift 4.18.0"),
        ("3.7.0-experimental", "fcos", "fcos 1.8.0-experimental"),
    ],
)
def test_the_release_has_the_configs_own_spec_or_the_nearest_that_holds_it(
    version: str, variant: str | None, release: str
) -> None:
    found = of(version, variant)
    assert found.release is not None
    assert found.release.name == release


def test_a_field_of_a_later_spec_leads_to_the_release_that_has_it() -> None:
    found = of("3.6.0", "flatcar", storage={"luks": [{**LUKS, "cex": {"enabled": False}}]})
    assert found.text is None
    assert codes(found) == ["PV671"]
    found = of("3.6.0", "flatcar", storage={"luks": [LUKS]})
    assert found.release is not None
    assert found.release.name == "flatcar 1.2.0-experimental"


def test_special_bits_mean_something_only_where_they_did_before() -> None:
    files = {"storage": {"files": [{"path": "/a", "mode": 0o4755}]}}
    newer = of("3.6.0", "flatcar", **files)
    assert newer.release is not None
    assert newer.release.spec == (3, 7)
    assert config_of(newer.text or "")["storage"]["files"][0]["mode"] == 0o4755
    older = decompiled(
        compile_document(json.dumps({"ignition": {"version": "3.5.0"}, **files}).encode(), "x.ign"), "fcos"
    )
    assert config_of(older.text or "")["storage"]["files"][0]["mode"] == 0o4755
    no_release = of("3.5.0", "flatcar", storage={"files": [{"path": "/a", "mode": 0o4755}], "luks": [LUKS]})
    assert config_of(no_release.text or "")["storage"]["files"][0]["mode"] == 0o755


@pytest.mark.parametrize("variant", ["r4e", "fiot"])
def test_what_a_variant_cannot_have_is_named_at_its_place(variant: str) -> None:
    data = b'{\n"ignition": {"version": "3.4.0"},\n"kernelArguments": {"shouldExist": ["quiet"]}\n}'
    found = decompiled(compile_document(data, "x.ign"), variant)
    assert found.text is None
    (why,) = found.diagnostics
    assert (why.code, why.span.line) == ("PV671", 3)
    assert "kernel" in why.message


def test_what_no_release_of_the_variant_has_is_named() -> None:
    found = of("3.0.0", "fcos", ignition={"version": "3.0.0", "config": {"merge": [{"source": None}]}})
    assert found.release is not None
    assert of("3.0.0", "flatcar", ignition={"version": "3.0.0", "config": {"merge": [{"source": None}]}}).text is None


def test_a_machineconfig_becomes_the_openshift_variant() -> None:
    found = decompiled(compile_document(OBJECT.encode(), "x.yaml"))
    assert found.text == (
        "variant: openshift\nversion: 4.18.0\n\n"
        "metadata:\n  name: 99-worker-motd\n  labels:\n    machineconfiguration.openshift.io/role: worker\n    team: web\n\n"
        "openshift:\n  kernel_type: realtime\n  kernel_arguments:\n    - quiet\n    - loglevel=3 nosmt\n"
        "  extensions: [usbguard]\n  fips: true\n\n"
        "storage:\n  files:\n    - path: /etc/motd\n      mode: 0644\n      contents:\n        inline: |\n          hello\n"
    )
    assert b"team: web" in compile_document(found.text.encode(), "x.bu").output()


def test_a_machineconfig_in_another_variant_keeps_its_kernel_arguments() -> None:
    found = decompiled(compile_document(OBJECT.encode(), "x.yaml"), "fcos")
    assert config_of(found.text or "")["kernelArguments"] == {"shouldExist": ["quiet", "loglevel=3", "nosmt"]}


def test_what_butane_has_no_key_for_is_told() -> None:
    text = OBJECT.replace("  labels:", "  annotations: {a: b}\n  labels:").replace(
        "  fips: true\n", "  osImageURL: example.com/os\n"
    )
    found = decompiled(compile_document(text.encode(), "x.yaml"))
    assert [why.message.split("`")[1] for why in found.diagnostics if why.code == "PV677"] == [
        "annotations",
        "osImageURL",
    ]


def test_fips_mode_adds_no_cipher_that_the_machineconfig_did_not_have() -> None:
    text = OBJECT.replace("    storage:", '    storage:\n      luks: [{name: data, device: /dev/sdb, options: ["-v"]}]')
    found = decompiled(compile_document(text.encode(), "x.yaml"))
    assert found.release is not None
    assert found.release.name == "openshift 4.22.0"
    with_cipher = text.replace('["-v"]', '["-v", "--cipher", "aes-cbc-essiv:sha256"]')
    found = decompiled(compile_document(with_cipher.encode(), "x.yaml"))
    assert found.release is not None
    assert found.release.name == "openshift 4.18.0"


def test_a_config_without_a_machineconfig_gets_a_name_to_look_at() -> None:
    found = of("3.4.0", "openshift", passwd={"users": [{"name": "core", "sshAuthorizedKeys": ["ssh-ed25519 AAAA"]}]})
    assert "  name: 99-worker-x\n  labels:\n    machineconfiguration.openshift.io/role: worker\n" in (found.text or "")
    assert "PV677" in [why.code for why in found.diagnostics]


@pytest.mark.parametrize(("file", "name"), [("My_Config v1.ign", "my-config-v1"), ("é.ign", "config")])
def test_the_name_of_a_file_becomes_one_that_an_object_can_have(file: str, name: str) -> None:
    found = decompiled(compile_document(b'{"ignition": {"version": "3.4.0"}}', file), "openshift")
    assert f"  name: 99-worker-{name}\n" in (found.text or "")


def test_openshifts_own_key_for_kernel_arguments_is_named() -> None:
    found = of("3.4.0", "openshift", kernelArguments={"shouldExist": ["quiet"]})
    assert codes(found) == ["PV671"]
    assert "openshift.kernel_arguments" in (found.diagnostics[-1].hint or "")


def test_a_config_with_mistakes_is_not_turned_into_anything() -> None:
    found = of("3.4.0", storage={"files": [{"path": "relative"}]})
    assert (found.text, codes(found)) == (None, ["PV301"])
