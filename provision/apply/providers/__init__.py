"""Where each platform keeps its user's config: a table of sources, from which all else follows.

Rows whose source is not noted come from Ignition's `internal/providers/<id>`. The kernel command line and `user.ign`
of the system (`base_configs`) are asked before.
"""

from provision.apply.providers.azure import Azure, ProvisioningCd
from provision.apply.providers.clouds import Aws, Gcp, Packet
from provision.apply.providers.cmdline import from_kernel_command_line
from provision.apply.providers.decoding import base64, gunzip_if_packed
from provision.apply.providers.firmware import BootFifo, ByMachine, FirmwareItem, RawDisk
from provision.apply.providers.host import Host, OutputFile
from provision.apply.providers.http import Http, Token
from provision.apply.providers.hyperv import KeyValuePairs
from provision.apply.providers.labels import OPENSTACK, Label, is_cloud_config
from provision.apply.providers.networks import DhcpServer, EachIpv6Interface
from provision.apply.providers.provider import LocalFile, NoConfig, Provider, asked
from provision.apply.providers.race import Race
from provision.apply.providers.virtualbox import GuestProperty
from provision.apply.providers.vmware import Vmware
from provision.apply.providers.vsock import Vsock
from provision.apply.providers.zvm import CardReader

__all__ = ["PROVIDERS", "Host", "OutputFile", "Provider", "asked", "from_kernel_command_line"]

# The link-local address of metadata servers.
M = "http://169.254.169.254"
USER_DATA = "/cloudstack/userdata/user_data.txt"

OPENSTACK_RACE = Race(
    Label("config-2", OPENSTACK),
    Label("CONFIG-2", OPENSTACK),
    Http(f"{M}{OPENSTACK}"),
    more=EachIpv6Interface("fe80::a9fe:a9fe", OPENSTACK),
    online=True,
)
# QEMU has no fw_cfg on these machines.
VIRTIO_DISK = RawDisk(
    "/dev/disk/by-id/virtio-ignition", "virtio_blk", "/sys/bus/virtio/drivers/virtio_blk", every_s=5, limit_s=300
)

PROVIDERS: dict[str, Provider] = {
    "akamai": Http(
        f"{M}/v1/user-data",
        headers={"Accept": "*/*"},
        token=Token(
            f"{M}/v1/token", {"Accept": "text/plain", "Metadata-Token-Expiry-Seconds": "300"}, shown_in="Metadata-Token"
        ),
        decode=(base64, gunzip_if_packed),
    ),
    "aliyun": Http("http://100.100.100.200/latest/user-data"),
    # 2 is the host.
    "applehv": Vsock(cid=2, port=1024),
    "aws": Aws(
        f"{M}/2019-10-01/user-data",
        token=Token(
            f"{M}/latest/api/token",
            {"X-aws-ec2-metadata-token-ttl-seconds": "21600"},
            shown_in="X-aws-ec2-metadata-token",
            optional=True,
        ),
    ),
    "azure": Azure(
        Http(
            f"{M}/metadata/instance/compute/userData?api-version=2021-01-01&format=text",
            headers={"Metadata": "true"},
            # While a machine is new, its server says that it is not found, gone, or busy.
            retry=(404, 410, 429),
            decode=(base64,),
        ),
        ProvisioningCd("udf"),
    ),
    "azurestack": ProvisioningCd("udf", "iso9660"),
    "brightbox": OPENSTACK_RACE,
    "cloudstack": Race(
        Label("config-2", USER_DATA), Label("CONFIG-2", USER_DATA), DhcpServer("/latest/user-data"), online=True
    ),
    "digitalocean": Http(f"{M}/metadata/v1/user-data"),
    "exoscale": Http(f"{M}/1.0/user-data"),
    "file": LocalFile(),
    "gcp": Gcp(f"{M}/computeMetadata/v1/instance/attributes/user-data", headers={"Metadata-Flavor": "Google"}),
    "hetzner": Http(f"{M}/hetzner/v1/userdata"),
    "hyperv": KeyValuePairs(),
    "ibmcloud": Label("cidata", "/user-data", limit_s=30),
    "kubevirt": Race(Label("cidata", "/user-data"), Label("config-2", OPENSTACK)),
    "metal": NoConfig(),
    "nutanix": Label("config-2", OPENSTACK),
    "nvidiabluefield": BootFifo("/sys/bus/platform/devices/MLNXBF04:00/bootfifo", "mlxbf_bootctl"),
    "openstack": OPENSTACK_RACE,
    "oraclecloud": Http(
        f"{M}/opc/v2/instance/metadata/user_data",
        headers={"Authorization": "Bearer Oracle"},
        retry=(429,),
        decode=(base64,),
    ),
    # The server refuses to answer what does not accept all.
    "packet": Packet("https://metadata.packet.net/userdata", headers={"Accept": "*/*"}),
    "powervs": Label("config-2", OPENSTACK),
    "proxmoxve": Label("cidata", "/user-data", "/vendor-data", limit_s=30, skip=is_cloud_config),
    "qemu": ByMachine(FirmwareItem("opt/com.coreos/config"), s390x=VIRTIO_DISK, ppc64le=VIRTIO_DISK),
    # Scaleway answers only requests from a privileged port.
    "scaleway": Http("http://169.254.42.42/user_data/cloud-init", local_ports=range(1, 1023)),
    "upcloud": Http(f"{M}/metadata/v1/user_data"),
    "virtualbox": GuestProperty(),
    "vmware": Vmware(),
    "vultr": Http(f"{M}/user-data/user-data"),
    "zvm": CardReader(),
}
