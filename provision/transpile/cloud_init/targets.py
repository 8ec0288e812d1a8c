"""What differs between the systems that a config can be for: `--target-os`.

Source: the distribution settings of cloud-init 25 (`config/cloud.cfg.tmpl`, modules ca_certs, ntp), and the
documentation of the systems themselves.
"""

from typing import NamedTuple


class System(NamedTuple):
    """One family of systems. `install` and `refresh` are None where the system has no package manager."""

    default_user: str
    groups: tuple[str, ...]
    """Groups of the default user where cloud-init has to make it; none where the image has it."""
    install: str | None
    refresh: str | None
    upgrade: str | None
    anchors: str
    """Where a certificate goes, with `{}` for its number."""
    trust: str
    time: str
    """The time service: chrony or timesyncd."""
    chrony_conf: str = "/etc/chrony.conf"
    chrony_unit: str = "chronyd.service"
    prefer_fqdn: bool = True
    """Whether the host name is the full one where both are given."""
    sealed: bool = False
    """Whether /usr belongs to the image."""
    rebooting: bool = False
    """Whether installed packages are there after the next boot only."""


ANCHORS = "/etc/pki/ca-trust/source/anchors/cloud-init-ca-cert-{}.crt"
DEBIAN_ANCHORS = "/usr/local/share/ca-certificates/cloud-init-ca-cert-{}.crt"
APT = "DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Options::=--force-confold"

COREOS = System(
    "core", (), "rpm-ostree install --idempotent --allow-inactive --apply-live -y", None, None,
    ANCHORS, "update-ca-trust", "chrony", sealed=True,
)  # fmt: skip
FLATCAR = System(
    "core",
    (),
    None,
    None,
    None,
    "/etc/ssl/certs/cloud-init-ca-cert-{}.pem",
    "update-ca-certificates",
    "timesyncd",
    prefer_fqdn=False,
    sealed=True,
)
FEDORA = System(
    "fedora", ("wheel", "adm", "systemd-journal"), "dnf -y install", "dnf -y makecache", "dnf -y upgrade",
    ANCHORS, "update-ca-trust", "chrony",
)  # fmt: skip
DEBIAN = System(
    "debian", ("adm", "audio", "cdrom", "dialout", "dip", "floppy", "netdev", "plugdev", "sudo", "video"),
    f"{APT} install", "apt-get -q update", f"{APT} dist-upgrade", DEBIAN_ANCHORS, "update-ca-certificates",
    "timesyncd", "/etc/chrony/chrony.conf", "chrony.service", prefer_fqdn=False,
)  # fmt: skip
SUSE = System(
    "opensuse", (), "zypper --non-interactive install --auto-agree-with-licenses",
    "zypper --non-interactive refresh", "zypper --non-interactive update",
    "/etc/pki/trust/anchors/cloud-init-ca-cert-{}.crt", "update-ca-certificates", "chrony", prefer_fqdn=False,
)  # fmt: skip
MICROOS = SUSE._replace(
    install="transactional-update --non-interactive pkg install", upgrade="transactional-update --non-interactive up",
    refresh=None, sealed=True, rebooting=True,
)  # fmt: skip

SYSTEMS: dict[str, System] = {
    "fcos": COREOS,
    "rhcos": COREOS,
    "openshift": COREOS,
    "fiot": COREOS,
    "r4e": COREOS,
    "flatcar": FLATCAR,
    "fedora": FEDORA,
    "rhel": FEDORA._replace(default_user="cloud-user"),
    "centos": FEDORA._replace(default_user="cloud-user"),
    "rocky": FEDORA._replace(default_user="rocky"),
    "almalinux": FEDORA._replace(default_user="almalinux"),
    "amazon": FEDORA._replace(default_user="ec2-user"),
    "debian": DEBIAN,
    "ubuntu": DEBIAN._replace(default_user="ubuntu", groups=("adm", "cdrom", "dip", "lxd", "sudo")),
    "raspbian": DEBIAN._replace(default_user="pi"),
    "opensuse": SUSE,
    "sles": SUSE._replace(default_user="sles"),
    "opensuse-microos": MICROOS,
}
# What is taken for granted where nobody says: the systems that Ignition was made for.
USUAL = "fcos"
