"""Dynamic data: `{PRIVATE_IPV4}` and the like in the options of a service, which the machine learns as it boots.

A field whose value is given with `--set` is filled in here; else systemd fills in a variable, from a file that
coreos-metadata writes at boot. Source: ct 0.9, `config/templating`, `config/platform`; coreos-metadata 1.0, its
attributes by provider.
"""

import re

from provision.diagnostics import declare
from provision.record import Record
from provision.transpile.author import Author

declare(
    "PV687", "error", "dynamic data",
    """A field in braces is one that the platform tells its machines, and the platform is known.

    In the options of `etcd` and `flannel` braces stand for HOSTNAME, PRIVATE_IPV4, PUBLIC_IPV4, PRIVATE_IPV6 and
    PUBLIC_IPV6. Where it comes from depends on the platform, which `--platform` names; `--set PRIVATE_IPV4=10.0.0.5`
    gives the value itself. Source: ct 0.9, `config/templating`.

    Bad:
        # Container Linux Config
        etcd:
          listen_client_urls: http://0.0.0.0:2379
          advertise_client_urls: http://{PRIVATE_IPV4}:2379

    Good:
        # Container Linux Config
        etcd:
          listen_client_urls: http://0.0.0.0:2379
          advertise_client_urls: http://10.0.0.5:2379
    """, silenceable=False,
)  # fmt: skip

UNIT = "coreos-metadata.service"
FILE = "/run/metadata/coreos"
# In this order: host name, private and public IPv4, private and public IPv6 address; "" where the platform tells none.
FIELDS = ("HOSTNAME", "PRIVATE_IPV4", "PUBLIC_IPV4", "PRIVATE_IPV6", "PUBLIC_IPV6")
PLATFORMS: dict[str, tuple[str, str, str, str, str]] = {
    "azure": ("", "COREOS_AZURE_IPV4_DYNAMIC", "COREOS_AZURE_IPV4_VIRTUAL", "", ""),
    "digitalocean": (
        "COREOS_DIGITALOCEAN_HOSTNAME", "COREOS_DIGITALOCEAN_IPV4_PRIVATE_0", "COREOS_DIGITALOCEAN_IPV4_PUBLIC_0",
        "COREOS_DIGITALOCEAN_IPV6_PRIVATE_0", "COREOS_DIGITALOCEAN_IPV6_PUBLIC_0",
    ),
    "ec2": ("COREOS_EC2_HOSTNAME", "COREOS_EC2_IPV4_LOCAL", "COREOS_EC2_IPV4_PUBLIC", "", ""),
    "gce": ("COREOS_GCE_HOSTNAME", "COREOS_GCE_IP_LOCAL_0", "COREOS_GCE_IP_EXTERNAL_0", "", ""),
    "packet": (
        "COREOS_PACKET_HOSTNAME", "COREOS_PACKET_IPV4_PRIVATE_0", "COREOS_PACKET_IPV4_PUBLIC_0",
        "", "COREOS_PACKET_IPV6_PUBLIC_0",
    ),
    "openstack-metadata": (
        "COREOS_OPENSTACK_HOSTNAME", "COREOS_OPENSTACK_IPV4_LOCAL", "COREOS_OPENSTACK_IPV4_PUBLIC", "", "",
    ),
    "vagrant-virtualbox": (
        "COREOS_VAGRANT_VIRTUALBOX_HOSTNAME", "COREOS_VAGRANT_VIRTUALBOX_PRIVATE_IPV4", "", "", "",
    ),
    "cloudstack-configdrive": ("CLOUDSTACK_LOCAL_HOSTNAME", "", "", "", ""),
    "custom": (
        "COREOS_CUSTOM_HOSTNAME", "COREOS_CUSTOM_PRIVATE_IPV4", "COREOS_CUSTOM_PUBLIC_IPV4",
        "COREOS_CUSTOM_PRIVATE_IPV6", "COREOS_CUSTOM_PUBLIC_IPV6",
    ),
}  # fmt: skip

FIELD = re.compile(r"\{([^{}]*)\}")
BRACE = re.compile(r"[{}]")


class DynamicData:
    """The fields of one section: fills them in and remembers whether one is left for the machine."""

    def __init__(self, section: Record, author: Author) -> None:
        self.section = section
        self.author = author
        self.values = {name.upper(): value for name, value in author.options.values}
        self.at_boot = False

    def fill(self, text: str, field: str) -> str:
        """The text of a field of the section with values and variables for what stands in braces."""
        rest = FIELD.sub("", text)
        if BRACE.search(rest):
            message = (
                f"a brace in `{shown(self.section, field, text)}` has no counterpart; braces stand for dynamic data"
            )
            self.complain(field, message, "write {PRIVATE_IPV4} or another field, or take the brace away")
        return FIELD.sub(lambda found: self.one(found[1], field), text)

    def one(self, name: str, field: str) -> str:
        """What stands for one name in braces; the braces as they were where it is none."""
        if name in self.values:
            return self.values[name]
        platform = self.author.options.platform
        variables = dict(zip(FIELDS, PLATFORMS.get(platform or "", ()), strict=False))
        if name not in FIELDS:
            said = f"{{{shown(self.section, field, name)}}} is no dynamic data; known are {', '.join(FIELDS)}"
            self.complain(field, said)
        elif platform is None:
            self.complain(
                field, f"{{{name}}} depends on the platform, and none is given",
                f"name it with --platform ({', '.join(PLATFORMS)}), or give the value with --set {name}=…",
            )  # fmt: skip
        elif variables and not variables[name]:
            told = ", ".join(known for known, variable in variables.items() if variable)
            self.complain(field, f"{platform} does not tell its machines {{{name}}}", f"it tells {told}")
        elif variables:
            self.at_boot = True
            return f"${{{variables[name]}}}"
        return f"{{{name}}}"

    def complain(self, field: str, message: str, hint: str | None = None) -> None:
        self.author.complain("PV687", "error", self.section, field, message, hint)


def shown(section: Record, field: str, text: str) -> str:
    """Text of a field as a message may show it: not that of a secret one."""
    return "…" if section.rows[field].secret else text


def check_platform(root: Record, author: Author) -> None:
    """Refuse a platform that nothing is known of."""
    platform = author.options.platform
    if platform is not None and platform not in PLATFORMS:
        author.complain("PV687", "error", root, None, f"{platform} is no platform", f"known are {', '.join(PLATFORMS)}")
