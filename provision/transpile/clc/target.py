"""What of a config only Container Linux and its heir Flatcar have.

Source: coreos-overlay, the packages coreos-init, etcd-wrapper, flannel-wrapper, update_engine and locksmith; Fedora
CoreOS, "Major changes from CoreOS Container Linux".
"""

from provision.diagnostics import declare
from provision.schema.clc import ContainerLinuxConfig
from provision.transpile.author import Author

declare(
    "PV698", "warning", "section for another system",
    """A section is of use on the system that `--target-os` names.

    etcd-member.service, flanneld.service, update-engine and locksmithd exist on Container Linux and Flatcar only, and only
    there docker.service reads DOCKER_OPTS. Systems with NetworkManager do not read the files of networkd.
    """,
)  # fmt: skip

HEIRS = frozenset(("flatcar", "container-linux", "coreos"))
NETWORK_MANAGER = frozenset(("fcos", "rhcos", "fiot", "r4e", "fedora", "rhel", "centos", "microos"))
MISSING = {
    "etcd": ("etcd-member.service, which this sets up", "run etcd from a unit of your own"),
    "flannel": ("flanneld.service, which this sets up", "run flannel from a unit of your own"),
    "docker": ("docker.service that reads DOCKER_OPTS", "write the flags to /etc/docker/daemon.json"),
    "update": ("update-engine, which this is for", "on Fedora CoreOS write a fragment for Zincati"),
    "locksmith": ("locksmithd, which this is for", "on Fedora CoreOS write a fragment for Zincati"),
}


def check(root: ContainerLinuxConfig, author: Author) -> None:
    """Tell what is of no use on the system that the caller names."""
    system = author.options.target_os
    if system is None or system in HEIRS:
        return
    for name, (what, instead) in MISSING.items():
        if getattr(root, name) is not None:
            author.complain("PV698", "warning", root, name, f"{system} has no {what}", instead)
    if root.networkd.units and system in NETWORK_MANAGER:
        author.complain(
            "PV698", "warning", root, "networkd", f"{system} runs NetworkManager, which does not read these files",
            "write a keyfile to /etc/NetworkManager/system-connections",
        )  # fmt: skip
