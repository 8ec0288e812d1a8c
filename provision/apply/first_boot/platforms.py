"""The platform that a machine runs on, guessed from what its firmware says of it, where nobody names one.

Pure but for `look`. Sources of the texts: cloud-init, `tools/ds-identify` and `cloudinit/sources`, and what the providers
publish: AWS "Identify EC2 instances", Azure "Azure Instance Metadata Service", Google "Detect if a VM is running in
Compute Engine", Oracle "Instance Metadata"; systemd, `src/basic/virt.c` (dmi_vendor_table); QEMU, `docs/specs/fw_cfg.rst`.
"""

import os
from collections.abc import Iterator, Mapping

from provision.apply import kernel_command_line
from provision.typed import NamedTuple

DMI = "/sys/class/dmi/id"
FIELDS = ("sys_vendor", "product_name", "product_serial", "product_uuid", "chassis_asset_tag", "bios_vendor")
# QEMU's firmware configuration device, as the driver, ACPI and device trees show it.
FIRMWARE_CONFIG = ("/sys/firmware/qemu_fw_cfg", "/sys/bus/acpi/devices/QEMU0002:00")
DEVICE_TREE, DEVICE_TREE_NODE = "/sys/firmware/devicetree/base", "fw-cfg@"
KEYS = ("provision.platform.id", kernel_command_line.PLATFORM)
UNKNOWN = "metal"


class Row(NamedTuple):
    """A platform, and what all of these fields say on it; `*` at an end stands for anything, letters of any case."""

    platform: str
    says: dict[str, str]


# The first row that fits counts. Clouds that are built of OpenStack, Hyper-V or QEMU stand before those.
ROWS = (
    Row("azure", {"chassis_asset_tag": "7783-7084-3265-9085-8269-3286-77"}),
    Row("oraclecloud", {"chassis_asset_tag": "OracleCloud.com"}),
    Row("aws", {"sys_vendor": "Amazon EC2"}),
    Row("aws", {"sys_vendor": "Xen", "product_uuid": "ec2*"}),
    Row("gcp", {"product_name": "Google Compute Engine"}),
    Row("brightbox", {"product_serial": "*.brightbox.com"}),
    Row("akamai", {"sys_vendor": "Akamai"}),
    Row("akamai", {"sys_vendor": "Linode"}),
    Row("aliyun", {"product_name": "Alibaba Cloud ECS"}),
    Row("applehv", {"sys_vendor": "Apple Inc.", "product_name": "Apple Virtualization*"}),
    Row("cloudstack", {"product_name": "CloudStack*"}),
    Row("digitalocean", {"sys_vendor": "DigitalOcean"}),
    Row("exoscale", {"product_name": "Exoscale*"}),
    Row("hetzner", {"sys_vendor": "Hetzner"}),
    Row("kubevirt", {"sys_vendor": "KubeVirt"}),
    Row("kubevirt", {"product_name": "KubeVirt"}),
    Row("nutanix", {"sys_vendor": "Nutanix"}),
    Row("scaleway", {"sys_vendor": "Scaleway"}),
    Row("upcloud", {"sys_vendor": "UpCloud"}),
    Row("vultr", {"sys_vendor": "Vultr"}),
    Row("openstack", {"product_name": "OpenStack Nova"}),
    Row("openstack", {"product_name": "OpenStack Compute"}),
    Row("openstack", {"chassis_asset_tag": "OpenStack Nova"}),
    Row("openstack", {"chassis_asset_tag": "OpenStack Compute"}),
    Row("openstack", {"chassis_asset_tag": "OpenTelekomCloud"}),
    Row("openstack", {"chassis_asset_tag": "HUAWEICLOUD"}),
    Row("openstack", {"chassis_asset_tag": "SAP CCloud VM"}),
    Row("openstack", {"chassis_asset_tag": "Samsung Cloud Platform"}),
    Row("vmware", {"sys_vendor": "VMware*"}),
    Row("virtualbox", {"product_name": "VirtualBox"}),
    Row("hyperv", {"sys_vendor": "Microsoft Corporation", "product_name": "Virtual Machine"}),
    Row("qemu", {"sys_vendor": "QEMU"}),
)


class Guess(NamedTuple):
    """A platform, and what it was taken from."""

    platform: str
    why: str


def platform_of(command_line: str, prefix: str = "") -> Guess:
    """The platform: the one that the kernel command line names, or a guess."""
    for key in KEYS:
        named = kernel_command_line.value(command_line, key)
        if named:
            return Guess(named, f"the kernel command line says {key}")
    return guess(look(prefix), has_firmware_config(prefix))


def guess(fields: Mapping[str, str], has_firmware_config: bool) -> Guess:
    """The platform of a machine whose firmware says this."""
    for row in ROWS:
        if all(fits(fields.get(name, ""), pattern) for name, pattern in row.says.items()):
            why = " and ".join(f"{name} is {fields[name]}" for name in row.says)
            return Guess(row.platform, f"its {why}")
    if has_firmware_config:
        return Guess("qemu", "it has a firmware configuration device of QEMU")
    return Guess(UNKNOWN, "its firmware names no platform that is known")


def fits(value: str, pattern: str) -> bool:
    """Whether a field is what a pattern wants."""
    value, pattern = value.lower(), pattern.lower()
    if pattern.startswith("*"):
        return value.endswith(pattern[1:])
    return value.startswith(pattern[:-1]) if pattern.endswith("*") else value == pattern


def look(prefix: str = "") -> dict[str, str]:
    """What SMBIOS says, below a prefix; empty for what it does not say."""
    return {name: value for name in FIELDS for value in text_of(f"{prefix}{DMI}/{name}")}


def text_of(host_path: str) -> Iterator[str]:
    """The text of a file that may not be there, or not be readable."""
    try:
        with open(host_path, errors="replace") as file:
            yield file.read().strip()
    except OSError:
        return


def has_firmware_config(prefix: str = "") -> bool:
    """Whether there is QEMU's firmware configuration device."""
    try:
        nodes = os.listdir(prefix + DEVICE_TREE)
    except OSError:
        nodes = []
    return any(os.path.exists(prefix + path) for path in FIRMWARE_CONFIG) or any(
        node.startswith(DEVICE_TREE_NODE) for node in nodes
    )
