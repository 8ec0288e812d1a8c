"""The options of fleet, flannel, locksmith and update-engine: keys, kinds and variables.

Sources: fleet 1.0, `config/config.go`; flannel 0.7, `main.go`; locksmith 0.6, `locksmithctl`; coreos-cloudinit,
`config/{fleet,flannel,locksmith,update}.go`; ct 0.9, `config/types/{flannel,locksmith,update}.go`.
"""

from typing import Literal, NamedTuple

from provision.schema.etcd_options import Version


class ServiceOption(NamedTuple):
    """One option: its key in cloud-config, the variable that sets it, and where ct differs.

    `ct_key` is ct's own name for it (empty where it is the same), `since` the first version of the service whose table
    in ct has it.
    """

    key: str
    kind: Literal["str", "int", "bool", "float"]
    variable: str
    doc: str
    default: str = ""
    secret: bool = False
    since: Version = (0, 0)
    flag: str = ""
    ct_key: str = ""
    ct_variable: str = ""


# In the order in which coreos-cloudinit writes them.
FLEET: tuple[ServiceOption, ...] = (
    ServiceOption("agent_ttl", "str", "FLEET_AGENT_TTL", "How long a machine counts as alive without a sign.", "30s"),
    ServiceOption("authorized_keys_file", "str", "FLEET_AUTHORIZED_KEYS_FILE", "Ignored by fleet."),
    ServiceOption("disable_engine", "bool", "FLEET_DISABLE_ENGINE", "Never become the scheduling machine.", "false"),
    ServiceOption("engine_reconcile_interval", "float", "FLEET_ENGINE_RECONCILE_INTERVAL", "Seconds between looks at the cluster.", "2"),
    ServiceOption("etcd_cafile", "str", "FLEET_ETCD_CAFILE", "CA of etcd's certificate."),
    ServiceOption("etcd_certfile", "str", "FLEET_ETCD_CERTFILE", "Certificate to show to etcd."),
    ServiceOption("etcd_keyfile", "str", "FLEET_ETCD_KEYFILE", "Key of that certificate."),
    ServiceOption("etcd_key_prefix", "str", "FLEET_ETCD_KEY_PREFIX", "Where fleet keeps its keys.", "/_coreos.com/fleet/"),
    ServiceOption("etcd_request_timeout", "float", "FLEET_ETCD_REQUEST_TIMEOUT", "Seconds to wait for etcd.", "1.0"),
    ServiceOption("etcd_servers", "str", "FLEET_ETCD_SERVERS", "URLs of etcd, with commas.", "http://127.0.0.1:2379,http://127.0.0.1:4001"),
    ServiceOption("etcd_username", "str", "FLEET_ETCD_USERNAME", "User at etcd."),
    ServiceOption("etcd_password", "str", "FLEET_ETCD_PASSWORD", "Password at etcd.", secret=True),
    ServiceOption("metadata", "str", "FLEET_METADATA", "What units may ask for, as key=value with commas."),
    ServiceOption("public_ip", "str", "FLEET_PUBLIC_IP", "Address that fleet shows for this machine."),
    ServiceOption("token_limit", "int", "FLEET_TOKEN_LIMIT", "Entries in one page of the API.", "100"),
    ServiceOption("verbosity", "int", "FLEET_VERBOSITY", "0, 1 or 2: how much is logged.", "0"),
    ServiceOption("verify_units", "bool", "FLEET_VERIFY_UNITS", "Ignored by fleet.", "false"),
)  # fmt: skip

# In the order in which coreos-cloudinit writes them; ct puts user name and password first.
FLANNEL: tuple[ServiceOption, ...] = (
    ServiceOption("etcd_endpoints", "str", "FLANNELD_ETCD_ENDPOINTS", "URLs of etcd, with commas.", "http://127.0.0.1:4001,http://127.0.0.1:2379", flag="etcd-endpoints"),
    ServiceOption("etcd_cafile", "str", "FLANNELD_ETCD_CAFILE", "CA of etcd's certificate.", flag="etcd-cafile"),
    ServiceOption("etcd_certfile", "str", "FLANNELD_ETCD_CERTFILE", "Certificate to show to etcd.", flag="etcd-certfile"),
    ServiceOption("etcd_keyfile", "str", "FLANNELD_ETCD_KEYFILE", "Key of that certificate.", flag="etcd-keyfile"),
    ServiceOption("etcd_prefix", "str", "FLANNELD_ETCD_PREFIX", "Where the network's configuration is.", "/coreos.com/network", flag="etcd-prefix"),
    ServiceOption("etcd_username", "str", "FLANNELD_ETCD_USERNAME", "User at etcd.", since=(0, 6), flag="etcd-username"),
    ServiceOption("etcd_password", "str", "FLANNELD_ETCD_PASSWORD", "Password at etcd.", secret=True, since=(0, 6), flag="etcd-password"),
    ServiceOption("ip_masq", "str", "FLANNELD_IP_MASQ", "Masquerade traffic that leaves the network.", "false", flag="ip-masq"),
    ServiceOption("subnet_file", "str", "FLANNELD_SUBNET_FILE", "Where the machine's subnet is written.", "/run/flannel/subnet.env", flag="subnet-file"),
    ServiceOption("interface", "str", "FLANNELD_IFACE", "Interface (name or address) between machines.", flag="iface"),
    ServiceOption("public_ip", "str", "FLANNELD_PUBLIC_IP", "Address that other machines reach this one by.", flag="public-ip"),
)  # fmt: skip
KUBE_SUBNET_MGR = ServiceOption(
    "kube_subnet_mgr", "bool", "FLANNELD_KUBE_SUBNET_MGR", "Take the configuration from Kubernetes.", "false", since=(0, 7), flag="kube-subnet-mgr",
)  # fmt: skip

# In the order in which coreos-cloudinit writes them. ct writes the longer names of the window.
LOCKSMITH: tuple[ServiceOption, ...] = (
    ServiceOption("endpoint", "str", "LOCKSMITHD_ENDPOINT", "URLs of etcd, with commas.", "http://127.0.0.1:2379,http://127.0.0.1:4001", ct_key="etcd_endpoints"),
    ServiceOption("etcd_cafile", "str", "LOCKSMITHD_ETCD_CAFILE", "CA of etcd's certificate."),
    ServiceOption("etcd_certfile", "str", "LOCKSMITHD_ETCD_CERTFILE", "Certificate to show to etcd."),
    ServiceOption("etcd_keyfile", "str", "LOCKSMITHD_ETCD_KEYFILE", "Key of that certificate."),
    ServiceOption("etcd_username", "str", "LOCKSMITHD_ETCD_USERNAME", "User at etcd."),
    ServiceOption("etcd_password", "str", "LOCKSMITHD_ETCD_PASSWORD", "Password at etcd.", secret=True),
    ServiceOption("group", "str", "LOCKSMITHD_GROUP", "Machines that share one lock."),
    ServiceOption("window_start", "str", "REBOOT_WINDOW_START", "When reboots may begin: `Sun 4:00` or `23:30`.", ct_variable="LOCKSMITHD_REBOOT_WINDOW_START"),
    ServiceOption("window_length", "str", "REBOOT_WINDOW_LENGTH", "How long they may: `1h30m`.", ct_variable="LOCKSMITHD_REBOOT_WINDOW_LENGTH"),
)  # fmt: skip

# Keys of /etc/coreos/update.conf.
UPDATE: tuple[ServiceOption, ...] = (
    ServiceOption("reboot_strategy", "str", "REBOOT_STRATEGY", "`etcd-lock`, `reboot` or `off`.", "reboot"),
    ServiceOption("group", "str", "GROUP", "Channel, or a group of the server."),
    ServiceOption("server", "str", "SERVER", "Update server.", "https://public.update.core-os.net/v1/update/"),
)


def flannel_options(version: Version) -> tuple[ServiceOption, ...]:
    """What ct takes for a version of flannel, in the order in which it writes it."""
    last = min(max(version, (0, 5)), (0, 7))
    credentials = [option for option in FLANNEL if option.key in ("etcd_username", "etcd_password")]
    ordered = (*credentials, *(option for option in FLANNEL if option not in credentials), KUBE_SUBNET_MGR)
    return tuple(option for option in ordered if option.since <= last)
