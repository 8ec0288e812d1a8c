"""CoreOS cloud-config as records: what coreos-cloudinit reads, with the sections of its services.

A dash in a key stands for an underscore. The keys of etcd, etcd2, fleet, flannel, locksmith and update are the options of
these programs, which `etcd_options` and `fleet_options` list. Source: coreos-cloudinit 1.14, `config/`.
"""

from typing import ClassVar, Protocol

from provision.record import Record, field
from provision.schema.etcd_options import ETCD2_SECTION, ETCD_SECTION
from provision.schema.fleet_options import FLANNEL, FLEET, LOCKSMITH, UPDATE


class CloudRecord(Record):
    """What all parts of a cloud-config have in common. Source: coreos-cloudinit 1.14, `config/validate/rules.go`."""

    tolerant = True


class Setting(Protocol):
    """One option of a service, as the tables have it."""

    @property
    def key(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def variable(self) -> str: ...
    @property
    def doc(self) -> str: ...


# A number with a fraction is kept as it is written: what it becomes is text again.
TYPES = {"str": str | None, "int": int | None, "bool": bool | None, "float": str | None}


class Section(CloudRecord):
    """The settings of one service: a row for each, in the order in which their variables are written."""

    settings: ClassVar[tuple[Setting, ...]] = ()

    def __init_subclass__(cls) -> None:
        cls.__annotations__ = {setting.key: TYPES[setting.kind] for setting in cls.settings}
        for setting in cls.settings:
            secret = getattr(setting, "secret", False)
            setattr(cls, setting.key, field(setting.key, default=None, doc=setting.doc, secret=secret))
        super().__init_subclass__()


class Etcd(Section):
    """etcd 0.4: `coreos.etcd`."""

    settings = ETCD_SECTION


class Etcd2(Section):
    """etcd 2: `coreos.etcd2`."""

    settings = ETCD2_SECTION


class Flannel(Section):
    """The network between containers: `coreos.flannel`."""

    settings = FLANNEL


class Fleet(Section):
    """fleet, which spread units over machines: `coreos.fleet`."""

    settings = FLEET


class Locksmith(Section):
    """Who may reboot when: `coreos.locksmith`."""

    settings = LOCKSMITH


class Update(Section):
    """Updates of the system: `coreos.update`."""

    settings = UPDATE


class Oem(CloudRecord):
    """What the image is for: `coreos.oem`, written to /etc/oem-release."""

    id: str | None = field(default=None, doc="Short name; without it nothing is written.")
    name: str | None = field(default=None, doc="Name for people.")
    version_id: str | None = field(default=None, doc="Version of the image.")
    home_url: str | None = field(default=None, doc="Page about the platform.")
    bug_report_url: str | None = field(default=None, doc="Where to report problems.")


class DropIn(CloudRecord):
    """A drop-in of a unit: `coreos.units[].drop_ins[]`."""

    name: str | None = field(default=None, doc="File name, ends in .conf.")
    content: str | None = field(default=None, doc="The text of the drop-in.")


class Unit(CloudRecord):
    """A systemd unit: `coreos.units[]`."""

    name: str | None = field(default=None, doc="Name with its extension, for example web.service.")
    mask: bool | None = field(default=None, doc="Link the unit to /dev/null.")
    enable: bool | None = field(default=None, doc="Start the unit at boot, by its [Install] section.")
    runtime: bool | None = field(default=None, doc="Keep the unit until the next boot only.")
    content: str | None = field(default=None, doc="The text of the unit; without it the unit is taken to exist.")
    command: str | None = field(
        default=None, doc="What to do with the unit: start, stop, restart, reload and the like."
    )
    drop_ins: tuple[DropIn, ...] = field(default=(), doc="Drop-ins of the unit.")


class CoreOS(CloudRecord):
    """What only CoreOS has: `coreos`."""

    etcd: Etcd = field("etcd", factory=Etcd, doc="etcd 0.4, which is no longer shipped.")
    etcd2: Etcd2 = field("etcd2", factory=Etcd2, doc="etcd 2, which is no longer shipped.")
    flannel: Flannel = field("flannel", factory=Flannel, doc="The network between containers.")
    fleet: Fleet = field("fleet", factory=Fleet, doc="fleet, which is no longer shipped.")
    locksmith: Locksmith = field("locksmith", factory=Locksmith, doc="Who may reboot when.")
    oem: Oem = field(factory=Oem, doc="What the image is for.")
    update: Update = field("update", factory=Update, doc="Updates of the system.")
    units: tuple[Unit, ...] = field(default=(), doc="Units to write, enable, start or mask, in order.")


class User(CloudRecord):
    """An account: `users[]`."""

    name: str | None = field(default=None, doc="Name of the account.")
    passwd: str | None = field(default=None, secret=True, doc="Hash of the password.")
    ssh_authorized_keys: tuple[str, ...] = field(default=(), doc="Public ssh keys that may log in.")
    coreos_ssh_import_github: str | None = field(default=None, doc="A GitHub user whose keys may log in.")
    coreos_ssh_import_github_users: tuple[str, ...] = field(default=(), doc="GitHub users whose keys may log in.")
    coreos_ssh_import_url: str | None = field(default=None, doc="URL of a list of keys that may log in.")
    gecos: str | None = field(default=None, doc="Full name.")
    homedir: str | None = field(default=None, doc="Home directory.")
    no_create_home: bool | None = field(default=None, doc="Do not make the home directory.")
    primary_group: str | None = field(default=None, doc="Primary group; one named as the user by default.")
    groups: tuple[str, ...] = field(default=(), doc="More groups.")
    no_user_group: bool | None = field(default=None, doc="Make no group named as the user.")
    system: bool | None = field(default=None, doc="Take the id from the system range.")
    no_log_init: bool | None = field(default=None, doc="Leave lastlog and faillog alone.")
    shell: str | None = field(default=None, doc="Login shell.")


class WriteFile(CloudRecord):
    """A file: `write_files[]`."""

    path: str | None = field(default=None, required="1.0", doc="Where the file goes.")
    content: str | None = field(default=None, doc="The content, as `encoding` says.")
    encoding: str | None = field(default=None, doc="base64, gzip or gzip+base64; plain text without it.")
    owner: str | None = field(default=None, doc="`user` or `user:group`; root by default.")
    permissions: str | None = field(default=None, doc="Octal mode; 0644 by default.")


class CloudConfig(CloudRecord):
    """A whole cloud-config."""

    ssh_authorized_keys: tuple[str, ...] = field(default=(), doc="Public ssh keys that may log in as core.")
    coreos: CoreOS = field(factory=CoreOS, doc="What only CoreOS has.")
    write_files: tuple[WriteFile, ...] = field(default=(), doc="Files to write.")
    hostname: str | None = field(default=None, doc="Name of the machine.")
    users: tuple[User, ...] = field(default=(), doc="Accounts.")
    manage_etc_hosts: str | None = field(default=None, doc="`localhost`: /etc/hosts names this machine.")
