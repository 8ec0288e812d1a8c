"""The options of `provision transpile` that older formats need: which version is written, and how a config is read."""

import json
from pathlib import Path
from typing import Any

import pytest
from cli_console import GOOD, SAMPLES, Ran, provision, written

LUKS = "variant: fcos\nversion: 1.5.0\nstorage:\n  luks:\n    - name: data\n      device: /dev/vdb\n  links:\n    - path: /a\n      target: /b\n"
NAMED = json.dumps(
    {
        "ignition": {"version": "2.2.0"},
        "storage": {
            "filesystems": [{"name": "data", "mount": {"device": "/dev/vdb", "format": "ext4"}}],
            "files": [{"filesystem": "data", "path": "/a", "mode": 420, "contents": {"source": "data:,x"}}],
        },
    }
)
ADDRESS = "#cloud-config\nwrite_files:\n  - path: /etc/address\n    content: $private_ipv4\n"
ETCD = "# Container Linux Config\netcd:\n  listen_client_urls: http://{PRIVATE_IPV4}:2379\n  advertise_client_urls: http://{PRIVATE_IPV4}:2379\n"
PACKAGES = "#cloud-config\npackages: [nginx]\n"
SCRIPT = "#!/bin/sh\necho once\n"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    return written(
        tmp_path, good_bu=GOOD, luks_bu=LUKS, named_ign=NAMED, address_yaml=ADDRESS, etcd_yaml=ETCD,
        packages_yaml=PACKAGES, script_sh=SCRIPT,
    )  # fmt: skip


def config(ran: Ran) -> Any:
    """What came out of a run that went well."""
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


def refused(ran: Ran, said: str) -> None:
    """That a run ended as wrong usage, before any work."""
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"provision: {said}"), ran.err
    assert len(ran.err.splitlines()) == 1


# ---- --target and --lossy ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["2.2.0", "2.3.0", "2.4.0", "3.0.0", "3.1.0", "3.6.0", "3.7.0-experimental"])
def test_the_version_to_write_can_be_chosen(target: str, here: Path) -> None:
    ran = provision("transpile", "--target", target, "good.bu", cwd=here)
    assert config(ran)["ignition"]["version"] == target
    assert ran.err == ""


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("3.1", "did you mean 3.1.0?"), ("2.3", "did you mean 2.3.0?"), ("3.7.0", "did you mean 3.7.0-experimental?"),
        ("3", "known are 2.2.0, 2.3.0, 2.4.0, 3.0.0,"), ("1.0.0", "known are"), ("newest", "known are"), ("", "known are"),
    ],
)  # fmt: skip
def test_a_version_that_can_not_be_written_is_told_with_what_was_meant(target: str, said: str, here: Path) -> None:
    refused(provision("transpile", "--target", target, "good.bu", "-o", "out", cwd=here), f"--target {target}: {said}")
    assert not (here / "out").exists()


@pytest.mark.parametrize("target", ["3.1.0", "2.3.0"])
def test_what_a_version_can_not_carry_is_an_error_at_the_authors_line(target: str, here: Path) -> None:
    ran = provision("transpile", "--target", target, "luks.bu", "-o", "out.ign", cwd=here)
    assert (ran.code, ran.out) == (1, "")
    assert "luks.bu:5:5: error[PV212]: `luks` exists from Ignition 3.2.0 on" in ran.err
    assert not (here / "out.ign").exists()


@pytest.mark.parametrize("target", ["3.1.0", "2.3.0"])
def test_lossy_leaves_it_out_with_a_warning(target: str, here: Path) -> None:
    ran = provision("transpile", "--target", target, "--lossy", "luks.bu", cwd=here)
    storage = config(ran)["storage"]
    assert "luks" not in storage
    assert storage["links"][0]["target"] == "/b"
    assert "luks.bu:5:5: warning[PV212]" in ran.err
    strict = provision("transpile", "--target", target, "--lossy", "--strict", "luks.bu", cwd=here)
    assert (strict.code, strict.out) == (1, "")


def test_lossy_without_a_loss_changes_nothing(here: Path) -> None:
    assert provision("transpile", "--lossy", "good.bu", cwd=here) == provision("transpile", "good.bu", cwd=here)


def test_what_goes_down_comes_up_again(here: Path) -> None:
    down = provision("transpile", "--target", "2.3.0", "good.bu", cwd=here)
    up = config(provision("transpile", stdin=down.out))
    assert up["storage"]["files"][0]["contents"]["source"] == "data:,box"


# ---- --fsmap -----------------------------------------------------------------------------------------------------


def test_a_named_file_system_needs_to_be_told_where_it_is_mounted(here: Path) -> None:
    ran = provision("transpile", "named.ign", cwd=here)
    assert ran.code == 1
    assert "say it with --fsmap data=/PATH" in ran.err
    found = config(provision("transpile", "--fsmap", "data=/srv", "named.ign", cwd=here))
    assert found["storage"]["files"][0]["path"] == "/srv/a"


@pytest.mark.parametrize(
    ("given", "said"),
    [("data", "write NAME=VALUE"), ("=/srv", "write NAME=VALUE"), ("data=srv", "write NAME=/PATH, with an absolute path")],
)  # fmt: skip
def test_a_wrong_mount_of_a_file_system_is_told(given: str, said: str, here: Path) -> None:
    refused(provision("transpile", "--fsmap", given, "named.ign", cwd=here), f"--fsmap {given}: {said}")


# ---- --set -------------------------------------------------------------------------------------------------------


def test_a_variable_with_a_value_is_filled_in(here: Path) -> None:
    found = config(provision("transpile", "--set", "private_ipv4=10.0.0.5", "address.yaml", cwd=here))
    assert [file["path"] for file in found["storage"]["files"]] == ["/etc/address", "/etc/environment"]
    assert found["storage"]["files"][0]["contents"]["source"] == "data:,10.0.0.5"


def test_a_variable_without_a_value_is_filled_in_at_boot_and_that_is_said(here: Path) -> None:
    ran = provision("transpile", "address.yaml", cwd=here)
    assert "/etc/provision/render.sh" in [file["path"] for file in config(ran)["storage"]["files"]]
    assert "info[PV721]: $private_ipv4 is filled in at boot" in ran.err


@pytest.mark.parametrize("given", ["private_ipv4", "=10.0.0.5", ""])
def test_a_variable_is_set_with_an_equals_sign(given: str, here: Path) -> None:
    refused(provision("transpile", "--set", given, "address.yaml", cwd=here), f"--set {given}: write NAME=VALUE")


# ---- --dialect, --platform, --target-os, --every-boot ------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "name", "said"),
    [
        ("--dialect", "cloud_config", "did you mean cloud-config?"), ("--dialect", "butane", "use one of clc, cloud-config,"),
        ("--platform", "EC2", "did you mean ec2?"), ("--platform", "mine", "use one of azure, digitalocean, ec2,"),
        ("--target-os", "ubunto", "did you mean ubuntu?"), ("--target-os", "plan9", "use one of fcos, rhcos,"),
    ],
)  # fmt: skip
def test_a_wrong_name_is_told_with_what_was_meant(option: str, name: str, said: str, here: Path) -> None:
    refused(provision("transpile", option, name, "etcd.yaml", cwd=here), f"{option} {name}: {said}")


def test_the_dialect_can_be_named_where_the_content_does_not_tell_it() -> None:
    unclear = "hostname: box\n"
    assert "<stdin>:1:1: error[PV201]" in provision("transpile", stdin=unclear).err
    found = config(provision("transpile", "--dialect", "cloud-init", stdin=unclear))
    assert found["storage"]["files"][0]["path"] == "/etc/hostname"


def test_the_platform_says_where_addresses_come_from(here: Path) -> None:
    ran = provision("transpile", "etcd.yaml", cwd=here)
    assert ran.code == 1
    assert "etcd.yaml:3:23: error[PV687]: {PRIVATE_IPV4} depends on the platform, and none is given" in ran.err
    for platform, variable in (("ec2", "COREOS_EC2_IPV4_LOCAL"), ("gce", "COREOS_GCE_IP_LOCAL_0")):
        assert f"${{{variable}}}" in provision("transpile", "--platform", platform, "etcd.yaml", cwd=here).out


def test_the_system_says_how_packages_are_installed(here: Path) -> None:
    assert "--target-os" in provision("transpile", "packages.yaml", cwd=here).err
    debian, fedora = (provision("inspect", "--cat", "/etc/provision/cloud-init/packages", "--target-os", name, "packages.yaml", cwd=here).out for name in ("ubuntu", "fedora"))  # fmt: skip
    assert "apt-get" in debian
    assert "dnf" in fedora


def test_a_script_runs_once_or_at_every_boot(here: Path) -> None:
    once, always = (
        config(provision("transpile", *arguments, "script.sh", cwd=here))["systemd"]["units"][0]["contents"]
        for arguments in ([], ["--every-boot"])
    )
    assert "ConditionPathExists=!" in once
    assert "ConditionPathExists=!" not in always


def test_all_of_them_are_found_in_the_help() -> None:
    said = provision("transpile", "-h").out
    for option in ("--target", "--lossy", "--dialect", "--set", "--platform", "--fsmap", "--target-os", "--every-boot"):
        assert f" {option} " in said


def test_the_samples_that_need_options_are_compiled_with_them() -> None:
    assert provision("transpile", "--platform", "ec2", SAMPLES / "clc" / "etcd-member.yaml").code == 0
    assert provision("transpile", "--target-os", "ubuntu", SAMPLES / "cloud-init" / "web-server.yaml").code == 0
