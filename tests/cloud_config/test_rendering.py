"""The script that fills in addresses at boot, run in a directory that stands for a machine's root."""

import os
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest

from provision.ignition import Config
from provision.transpile.compile import compile_document

CONFIG = """\
#cloud-config
write_files:
  - path: /etc/app's & own.conf
    permissions: "0640"
    content: |
      listen = "$private_ipv4:80", '$public_ipv4'
      kept = \\$private_ipv4 ${private_ipv4}
coreos:
  etcd2:
    name: one
    advertise_client_urls: http://$private_ipv4:2379
    listen_client_urls: http://$private_ipv4:2379
    discovery: https://discovery.etcd.io/60887e46255f4efea37077ccf12b5f06
  units:
    - name: etcd2.service
      command: start
    - name: app.service
      command: start
      content: |
        [Service]
        ExecStart=/opt/bin/app $private_ipv4
"""
METADATA = {
    "ec2": "COREOS_EC2_HOSTNAME=web\nCOREOS_EC2_IPV4_LOCAL=10.0.0.5\nCOREOS_EC2_IPV4_PUBLIC=203.0.113.7\n",
    "digitalocean": "COREOS_DIGITALOCEAN_IPV4_PRIVATE_0=10.0.0.5\nCOREOS_DIGITALOCEAN_IPV4_PUBLIC_0=203.0.113.7\n",
    "gcp": 'AFTERBURN_GCP_IP_LOCAL_0="10.0.0.5"\nAFTERBURN_GCP_IP_EXTERNAL_0="203.0.113.7"\n',
    "hetzner": "COREOS_HETZNER_PUBLIC_IPV4=203.0.113.7\nCOREOS_HETZNER_PRIVATE_IPV4_0=10.0.0.5\nCOREOS_HETZNER_PRIVATE_IPV4_1=10.1.0.5\n",
    "custom": "COREOS_PRIVATE_IPV4=10.0.0.5\nCOREOS_PUBLIC_IPV4=203.0.113.7\n",
}
FILES = {"gcp": "afterburn", "hetzner": "flatcar"}


def written(config: Config, root: Path) -> None:
    """Put the files, units and drop-ins of a config below a directory, as Ignition does."""
    for file in config.storage.files:
        data = data_of(file.contents)
        path = root / file.path.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(file.mode or 0o644)
    for unit in config.systemd.units:
        for dropin in unit.dropins:
            path = root / "etc/systemd/system" / f"{unit.name}.d" / dropin.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dropin.contents or "")


def data_of(contents: Any) -> bytes:
    """The bytes of a data URL."""
    import base64
    import gzip

    head, _, body = contents.source.partition(",")
    data = unquote_to_bytes(body)
    data = base64.b64decode(data) if head.endswith(";base64") else data
    return gzip.decompress(data) if contents.compression else data


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A root directory with the files of CONFIG, and a `systemctl` that writes down what it is asked."""
    compiled = compile_document(CONFIG.encode(), "web.yaml")
    assert not compiled.failed
    assert compiled.config is not None
    root = tmp_path / "root"
    written(compiled.config, root)
    systemctl = tmp_path / "bin" / "systemctl"
    systemctl.parent.mkdir()
    systemctl.write_text(f'#!/bin/sh\necho "$*" >>{tmp_path}/asked\n')
    systemctl.chmod(0o755)
    return root


def boot(root: Path, metadata: str | None, file: str = "coreos") -> subprocess.CompletedProcess[str]:
    """Run the script, with what the platform tells."""
    if metadata is not None:
        path = root / "run" / "metadata" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(metadata)
    environ = {"PATH": f"{root.parent}/bin:{os.environ['PATH']}", "PROVISION_ROOT": str(root)}
    return subprocess.run(
        ["/bin/sh", f"{root}/etc/provision/render.sh"], env=environ, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("platform", METADATA)
def test_files_and_units_have_the_addresses_of_the_platform(machine: Path, platform: str) -> None:
    done = boot(machine, METADATA[platform], FILES.get(platform, "coreos"))
    assert (done.returncode, done.stderr) == (0, "")
    conf = machine / "etc" / "app's & own.conf"
    assert conf.read_text() == "listen = \"10.0.0.5:80\", '203.0.113.7'\nkept = $private_ipv4 ${private_ipv4}\n"
    assert conf.stat().st_mode & 0o777 == 0o640
    dropin = (machine / "etc/systemd/system/etcd2.service.d/20-cloudinit.conf").read_text()
    assert 'Environment="ETCD_ADVERTISE_CLIENT_URLS=http://10.0.0.5:2379"\n' in dropin
    assert "$" not in dropin
    addresses = (machine / "run/provision/addresses").read_text()
    assert addresses == "COREOS_PRIVATE_IPV4=10.0.0.5\nCOREOS_PUBLIC_IPV4=203.0.113.7\n"
    assert (machine.parent / "asked").read_text() == "daemon-reload\n"


def test_the_next_boot_fills_in_another_address(machine: Path) -> None:
    boot(machine, METADATA["ec2"])
    assert boot(machine, METADATA["ec2"].replace("10.0.0.5", "10.0.0.6")).returncode == 0
    assert '"10.0.0.6:80"' in (machine / "etc" / "app's & own.conf").read_text()


@pytest.mark.parametrize(
    "metadata",
    [None, "", "COREOS_EC2_IPV4_LOCAL=10.0.0.5\n", "COREOS_EC2_IPV4_LOCAL=\nCOREOS_EC2_IPV4_PUBLIC=203.0.113.7\n"],
)
def test_an_address_that_the_platform_does_not_tell_is_a_failure_and_changes_nothing(
    machine: Path, metadata: str | None
) -> None:
    before = (machine / "etc" / "app's & own.conf").read_text()
    done = boot(machine, metadata)
    assert done.returncode == 1
    assert "provision-render: the platform tells no address for $p" in done.stderr
    assert (machine / "etc" / "app's & own.conf").read_text() == before
    assert not (machine / "run/provision/addresses").exists()
    assert not (machine.parent / "asked").exists()


def test_what_is_no_address_is_not_filled_in(machine: Path) -> None:
    done = boot(machine, "COREOS_EC2_IPV4_LOCAL=$(reboot)/&\nCOREOS_EC2_IPV4_PUBLIC=203.0.113.7\n")
    assert done.returncode == 1
    assert "is no address" in done.stderr


def test_units_that_need_an_address_wait_for_it_and_do_not_start_without_it() -> None:
    config = compile_document(CONFIG.encode(), "web.yaml").config
    assert config is not None
    units = {unit.name: unit for unit in config.systemd.units}
    text = units["provision-render.service"].contents or ""
    assert "Before=app.service etcd2.service\n" in text
    assert "RequiredBy=app.service etcd2.service\n" in text
    assert units["app.service"].contents == "[Service]\nExecStart=/opt/bin/app ${COREOS_PRIVATE_IPV4}\n"
    assert [dropin.contents for dropin in units["app.service"].dropins] == [
        "[Service]\nEnvironmentFile=/run/provision/addresses\n"
    ]


def test_a_template_of_units_gets_a_drop_in_since_it_cannot_be_ordered() -> None:
    text = '#cloud-config\ncoreos:\n  units:\n    - name: app@.service\n      content: "[Service]\\nEnvironment=A=$private_ipv4\\n"\n'
    config = compile_document(text.encode(), "web.yaml").config
    assert config is not None
    units = {unit.name: unit for unit in config.systemd.units}
    assert "app@" not in (units["provision-render.service"].contents or "")
    assert [dropin.name for dropin in units["app@.service"].dropins] == ["10-provision-render.conf"]


def test_the_script_is_plain_shell(machine: Path) -> None:
    for shell in ("sh", "bash"):
        checked = subprocess.run([shell, "-n", f"{machine}/etc/provision/render.sh"], capture_output=True, check=False)
        assert checked.returncode == 0


def test_a_file_below_run_is_made_with_its_folder(tmp_path: Path) -> None:
    text = "#cloud-config\ncoreos:\n  flannel:\n    public_ip: $private_ipv4\n"
    config = compile_document(text.encode(), "web.yaml").config
    assert config is not None
    config.storage.files = tuple(file for file in config.storage.files if not file.path.startswith("/run/"))
    written(config, tmp_path / "root")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "systemctl").symlink_to("/bin/true")
    assert boot(tmp_path / "root", METADATA["ec2"]).returncode == 0
    assert (tmp_path / "root/run/flannel/options.env").read_text() == "FLANNELD_PUBLIC_IP=10.0.0.5"


def test_a_unit_below_the_network_does_not_wait_for_an_address_but_is_started_again() -> None:
    path = Path(__file__).parents[1] / "cases" / "cloud-config" / "variables-before-the-network.yaml"
    config = compile_document(path.read_bytes(), path.name).config
    assert config is not None
    unit = next(unit for unit in config.systemd.units if unit.name == "provision-render.service")
    assert "Before=last.service\n" in (unit.contents or "")
    script = next(data_of(file.contents) for file in config.storage.files if file.path.endswith("/render.sh"))
    again = [line.split()[-1] for line in script.decode().splitlines() if line.startswith("systemctl --no-block")]
    assert again == ["first.service", "gate.service", "systemd-resolved.service"]
