"""The platform, guessed from recorded SMBIOS texts, or named on the kernel command line."""

from pathlib import Path

import pytest

from provision.apply.first_boot.platforms import ROWS, platform_of
from provision.apply.providers import PROVIDERS

QEMU = {"sys_vendor": "QEMU", "product_name": "Standard PC (Q35 + ICH9, 2009)", "bios_vendor": "SeaBIOS"}
MICROSOFT = {"sys_vendor": "Microsoft Corporation", "product_name": "Virtual Machine"}
MACHINES: tuple[tuple[str, dict[str, str]], ...] = (
    ("qemu", QEMU),
    ("aws", {"sys_vendor": "Amazon EC2", "product_name": "t3.micro"}),
    ("aws", {"sys_vendor": "Xen", "product_name": "HVM domU", "product_uuid": "EC2E1916-9099-7CAF-FD21-012345ABCDEF"}),
    ("metal", {"sys_vendor": "Xen", "product_name": "HVM domU", "product_uuid": "aaaa1916-9099-7CAF-FD21-012345ABCDEF"}),
    ("azure", {**MICROSOFT, "chassis_asset_tag": "7783-7084-3265-9085-8269-3286-77"}),
    ("hyperv", {**MICROSOFT, "chassis_asset_tag": "1234-5678"}),
    ("metal", {"sys_vendor": "Microsoft Corporation", "product_name": "Surface Laptop 4"}),
    ("gcp", {"sys_vendor": "Google", "product_name": "Google Compute Engine"}),
    ("oraclecloud", {**QEMU, "chassis_asset_tag": "OracleCloud.com"}),
    ("openstack", {"sys_vendor": "OpenStack Foundation", "product_name": "OpenStack Nova"}),
    ("openstack", {**QEMU, "chassis_asset_tag": "OpenTelekomCloud"}),
    ("brightbox", {"product_name": "OpenStack Nova", "product_serial": "srv-otuxg.gb1.brightbox.com"}),
    ("digitalocean", {"sys_vendor": "DigitalOcean", "product_name": "Droplet"}),
    ("hetzner", {"sys_vendor": "Hetzner", "product_name": "vServer"}),
    ("vultr", {"sys_vendor": "Vultr", "product_name": "VC2"}),
    ("akamai", {"sys_vendor": "Linode", "product_name": "Compute Instance"}),
    ("vmware", {"sys_vendor": "VMware, Inc.", "product_name": "VMware7,1"}),
    ("virtualbox", {"sys_vendor": "innotek GmbH", "product_name": "VirtualBox"}),
    ("kubevirt", {"sys_vendor": "KubeVirt", "product_name": "None"}),
    ("nutanix", {"sys_vendor": "Nutanix", "product_name": "AHV"}),
    ("scaleway", {"sys_vendor": "Scaleway", "product_name": "SCW-DEV1-S"}),
    ("exoscale", {"sys_vendor": "Exoscale", "product_name": "Exoscale Compute Platform"}),
    ("upcloud", {"sys_vendor": "UpCloud"}),
    ("cloudstack", {"sys_vendor": "Apache Software Foundation", "product_name": "CloudStack KVM Hypervisor"}),
    ("aliyun", {"sys_vendor": "Alibaba Cloud", "product_name": "Alibaba Cloud ECS"}),
    ("metal", {"sys_vendor": "LENOVO", "product_name": "20HRCTO1WW"}),
    ("metal", {}),
)  # fmt: skip


@pytest.mark.parametrize(("platform", "says"), MACHINES)
def test_a_machine_is_known_by_its_firmware(platform: str, says: dict[str, str], tmp_path: Path) -> None:
    assert platform_of("quiet", machine(tmp_path, says)).platform == platform


def machine(folder: Path, says: dict[str, str]) -> str:
    """A machine's sysfs below a folder."""
    (folder / "sys/class/dmi/id").mkdir(parents=True)
    for name, text in says.items():
        (folder / "sys/class/dmi/id" / name).write_text(text + "\n")
    return str(folder)


@pytest.mark.parametrize(
    "path",
    ["sys/firmware/qemu_fw_cfg", "sys/bus/acpi/devices/QEMU0002:00", "sys/firmware/devicetree/base/fw-cfg@9020000"],
)
def test_a_firmware_configuration_device_is_qemus(path: str, tmp_path: Path) -> None:
    (tmp_path / path).mkdir(parents=True)
    assert platform_of("", str(tmp_path)).platform == "qemu"
    assert platform_of("", machine(tmp_path, {"sys_vendor": "Hetzner"})).platform == "hetzner"


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("ignition.platform.id=metal", "metal"),
        ("ignition.platform.id=metal provision.platform.id=aws", "aws"),
        ("ignition.platform.id=metal ignition.platform.id=gcp", "gcp"),
        ("ignition.platform.id=", "qemu"),
        # Whether there is such a one is not decided here.
        ("ignition.platform.id=moon", "moon"),
    ],
)
def test_the_kernel_command_line_goes_before(text: str, platform: str, tmp_path: Path) -> None:
    guess = platform_of(text, machine(tmp_path, QEMU))
    assert guess.platform == platform
    assert guess.why


def test_only_platforms_that_there_are_are_guessed() -> None:
    assert {row.platform for row in ROWS} <= set(PROVIDERS)
