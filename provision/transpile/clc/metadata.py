"""The units that read the metadata of a platform, where they must be told which platform it is.

Source: ct 0.9, `config/types/common.go`.
"""

from provision.record import Record
from provision.schema import ignition2
from provision.transpile.author import Author
from provision.transpile.clc.dynamic_data import UNIT
from provision.transpile.clc.services import with_dropin

PLATFORMS = ("openstack-metadata", "cloudstack-configdrive")


def units(root: Record, author: Author) -> list[ignition2.Unit]:
    """The units with their drop-ins, on the platforms that can't be told from within."""
    platform = author.options.platform
    if platform not in PLATFORMS:
        return []
    text = f"[Service]\nEnvironment=COREOS_METADATA_OPT_PROVIDER=--provider={platform}"
    dropin = ignition2.Dropin(name="20-clct-provider-override.conf", contents=text).at(root.origin)
    return [
        with_dropin(UNIT, dropin, enabled=None),
        with_dropin("coreos-metadata-sshkeys@.service", dropin, enabled=True),
    ]
