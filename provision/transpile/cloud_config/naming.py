"""The name of the machine: `hostname`, and `manage_etc_hosts`, which writes it to /etc/hosts."""

import re

from provision.diagnostics import declare
from provision.schema.cloud_config import CloudConfig
from provision.transpile.author import Author
from provision.transpile.cloud_config.draft import Draft
from provision.transpile.cloud_config.variables import NAMES

declare(
    "PV710", "error", "manage_etc_hosts",
    """`manage_etc_hosts` is `localhost`.

    coreos-cloudinit stops at any other value; `true` and `template` are Canonical's. Source: coreos-cloudinit 1.14,
    `system/etc_hosts.go`.

    Bad:
        #cloud-config
        hostname: web
        coreos:
          update: {reboot_strategy: reboot}
        manage_etc_hosts: "true"

    Good:
        #cloud-config
        hostname: web
        manage_etc_hosts: localhost
    """,
)  # fmt: skip
declare(
    "PV711", "warning", "host name",
    """A host name has labels of letters, digits and hyphens, 64 characters at most, and no domain.

    CoreOS asks for the short name; the domain comes from the network. Source: RFC 1123, 2.1; hostname(7).

    Bad:
        #cloud-config
        hostname: web_1

    Good:
        #cloud-config
        hostname: web-1
    """,
)  # fmt: skip

LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
LONGEST = 64
HOSTS = "/etc/hosts"
LOCALHOST = "127.0.0.1 localhost\n::1 localhost\n"
# The name may come from the network, so this waits for it. Only the machine knows it then.
HOSTS_UNIT = """\
[Unit]
Description=Name this machine in /etc/hosts
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'printf "127.0.0.1 localhost\\\\n::1 localhost\\\\n127.0.0.1 %%s\\\\n" "$$(uname -n)" >/etc/hosts'

[Install]
WantedBy=multi-user.target
"""


def expand(root: CloudConfig, draft: Draft, author: Author) -> None:
    """Write the host name."""
    if root.hostname:
        check(root, root.hostname, author)
        place = author.place(root, "hostname")
        draft.write("/etc/hostname", f"{root.hostname}\n", place)
        author.fate(root, "hostname", "exact", "/etc/hostname")


def check(root: CloudConfig, name: str, author: Author) -> None:
    """Warn of a host name that others can't use."""
    said = hint = None
    if any(f"${known}" in name for known in NAMES):
        return  # told by `variables`
    if len(name) > LONGEST:
        said, hint = f"the host name has {len(name)} characters; the kernel takes {LONGEST}", "shorten it"
    elif name.endswith("."):
        said, hint = f"the host name `{name}` ends in a dot", "take the dot away"
    elif not all(LABEL.fullmatch(label) for label in name.split(".")):
        said, hint = (
            f"the host name `{name}` has characters that names in a network can't have",
            "use letters, digits and hyphens",
        )
    elif "." in name:
        said, hint = f"the host name `{name}` has a domain in it", f"write the short name, {name.split('.')[0]}"
    if said:
        author.complain("PV711", "warning", root, "hostname", said, hint)


def expand_hosts(root: CloudConfig, draft: Draft, author: Author) -> None:
    """Write /etc/hosts, with the lines for localhost that coreos-cloudinit leaves out."""
    asked = root.manage_etc_hosts
    if not asked:
        return
    place = author.place(root, "manage_etc_hosts")
    if asked != "localhost":
        said = f"`manage_etc_hosts: {asked}` is nothing that CoreOS can do"
        hint = "write `localhost`, or write the file with write_files"
        author.complain("PV710", "error", root, "manage_etc_hosts", said, hint)
    elif root.hostname:
        draft.write(HOSTS, f"{LOCALHOST}127.0.0.1 {root.hostname}\n", place)
        author.fate(root, "manage_etc_hosts", "exact", f"{HOSTS}, with lines for localhost")
    else:
        draft.service("provision-hosts.service", HOSTS_UNIT, place)
        author.fate(root, "manage_etc_hosts", "unit", "provision-hosts.service")
