"""`etcd`: the drop-in that starts etcd-member.service with the section's options.

Source: ct 0.9, `config/types/etcd.go`; etcd 3.4, `pkg/flags`.
"""

from provision.schema import ignition2
from provision.schema.clc import Etcd
from provision.schema.etcd_options import CT_VERSIONS, ct_options
from provision.transpile.author import Author
from provision.transpile.clc.dynamic_data import DynamicData
from provision.transpile.clc.services import drop_unknown, dropin, flags, started
from provision.transpile.clc.versions import ETCD, usable

DEFAULT = (3, 0)
# From here on etcd exits where an option is given as a flag and as a variable.
SHADOWED = (3, 4)
COMMAND = "/usr/lib/coreos/etcd-wrapper $ETCD_OPTS"


def unit(etcd: Etcd, author: Author) -> ignition2.Unit | None:
    """The unit with its drop-in; None where the version is refused."""
    wanted = usable(etcd.version, ETCD, DEFAULT)
    if wanted is None:
        return None
    tables = {version: ct_options(version) for version in CT_VERSIONS}
    at = max(version for version in CT_VERSIONS if version <= wanted)
    drop_unknown(etcd, "etcd", tables, at, author)
    data = DynamicData(etcd, author)
    given = flags(etcd, tables[at], data)
    # etcd-member.service sets the variable.
    more = ["UnsetEnvironment=ETCD_NAME"] if wanted >= SHADOWED and etcd.option("name") is not None else []
    member = dropin(etcd, "20-clct-etcd-member.conf", COMMAND, "ETCD_IMAGE_TAG", given, data, more)
    return started(etcd, "etcd-member.service", member, author)
