"""Canonical's cloud-init user-data as records: a row for every key that may stand at the top.

What a key comes to is told in `transpile.cloud_init`. Keys whose value may have several shapes are kept as they stand
in the document. Source: cloud-init 25, `schema-cloud-config-v1.json`.
"""

from provision.record import Record, field
from provision.schema.cloud_init.accounts import Chpasswd, PublishHostkeys, Ssh, UserEntry
from provision.schema.cloud_init.services import (
    CaCerts,
    Keyboard,
    Ntp,
    PhoneHome,
    PowerState,
    RandomSeed,
    ResolvConf,
    Rsyslog,
    Subscription,
    Wireguard,
    Zypper,
)
from provision.schema.cloud_init.storage import FileEntry, FilesystemEntry, Growpart, Swap


class UserData(Record):
    """A `#cloud-config` document as cloud-init reads it."""

    # Names.
    hostname: str | None = field(default=None, doc="Host name.")
    fqdn: str | None = field(default=None, doc="Host name with its domain.")
    prefer_fqdn_over_hostname: bool | None = field(default=None, doc="Use the full name as the host name.")
    preserve_hostname: bool | None = field(default=None, doc="Leave the host name alone.")
    create_hostname_file: bool | None = field(default=None, doc="false sets the name for the running system only.")
    manage_etc_hosts: str | None = field(
        default=None, doc="localhost, true or false: whether /etc/hosts names the machine."
    )
    # Accounts.
    users: tuple[UserEntry, ...] = field(default=(), alone=True, doc="Accounts.")
    user: UserEntry | None = field(default=None, doc="The default user, changed.")
    groups: object | None = field(default=None, doc="Groups: names, or mappings from a name to its members.")
    ssh_authorized_keys: tuple[str, ...] = field(default=(), doc="Public keys for the default user.")
    ssh_import_id: tuple[str, ...] = field(default=(), doc="Whose keys to fetch for the default user.")
    ssh_keys: dict[str, str] | None = field(
        default=None, secret=True, doc="Host keys, by `<type>_private`, `_public`, `_certificate`."
    )
    ssh_deletekeys: bool | None = field(default=None, doc="Delete the host keys of the image; true by default.")
    ssh_genkeytypes: tuple[str, ...] = field(default=(), doc="Types of host keys to make: rsa, ecdsa, ed25519.")
    ssh_quiet_keygen: bool | None = field(default=None, doc="Make host keys without a word.")
    ssh_pwauth: str | None = field(default=None, doc="Whether sshd takes passwords: true, false, or unchanged.")
    ssh_publish_hostkeys: PublishHostkeys | None = field(default=None, doc="Tell the platform the host keys.")
    ssh: Ssh | None = field(default=None, doc="What is printed about ssh.")
    ssh_key_console_blacklist: tuple[str, ...] = field(default=(), doc="Host keys that are not printed.")
    ssh_fp_console_blacklist: tuple[str, ...] = field(default=(), doc="Fingerprints that are not printed.")
    no_ssh_fingerprints: bool | None = field(default=None, doc="Print no fingerprints of users' keys.")
    authkey_hash: str | None = field(default=None, doc="Hash of these fingerprints.")
    allow_public_ssh_keys: bool | None = field(default=None, doc="Take the platform's keys for the default user.")
    disable_root: bool | None = field(default=None, doc="Answer root's keys with a hint to log in as the default user.")
    disable_root_opts: str | None = field(default=None, doc="Options of these keys.")
    chpasswd: Chpasswd | None = field(default=None, doc="Passwords to set.")
    password: str | None = field(default=None, secret=True, doc="The default user's password.")
    # Files and disks.
    write_files: tuple[FileEntry, ...] = field(default=(), doc="Files to write.")
    disk_setup: object | None = field(default=None, doc="Partition tables, by the disk's path.")
    fs_setup: tuple[FilesystemEntry, ...] = field(default=(), doc="File systems to make.")
    device_aliases: dict[str, str] | None = field(default=None, doc="Names for devices.")
    mounts: object | None = field(default=None, doc="Lines of fstab: lists of up to six fields.")
    mount_default_fields: object | None = field(default=None, doc="What stands for a field that a line lacks.")
    swap: Swap | None = field(default=None, doc="A swap file.")
    growpart: Growpart | None = field(default=None, doc="Partitions that grow.")
    resize_rootfs: str | None = field(default=None, doc="Grow the root file system: true, false or noblock.")
    # Settings of the system.
    timezone: str | None = field(default=None, doc="Time zone, for example Europe/Berlin.")
    locale: str | None = field(default=None, doc="Locale, for example de_DE.UTF-8; false leaves it alone.")
    locale_configfile: str | None = field(default=None, doc="File that it is written to.")
    keyboard: Keyboard | None = field(default=None, doc="The keyboard.")
    ntp: Ntp | None = field(default=None, doc="Time servers.")
    manage_resolv_conf: bool | None = field(default=None, doc="Whether `resolv_conf` counts.")
    resolv_conf: ResolvConf | None = field(default=None, doc="Name servers.")
    ca_certs: CaCerts | None = field(default=None, doc="Certificates to trust.")
    old_ca_certs: CaCerts | None = field("ca-certs", default=None, doc="Old spelling of `ca_certs`.")
    random_seed: RandomSeed | None = field(default=None, doc="Entropy.")
    rsyslog: Rsyslog | None = field(default=None, doc="System logging.")
    wireguard: Wireguard | None = field(default=None, doc="WireGuard tunnels.")
    disable_ec2_metadata: bool | None = field(default=None, doc="Cut off the metadata service of the platform.")
    # Commands.
    bootcmd: object | None = field(
        default=None, doc="Commands that run early in every boot: shell text, or lists of words."
    )
    runcmd: object | None = field(default=None, doc="Commands that run once, late in the first boot.")
    power_state: PowerState | None = field(default=None, doc="Reboot or shutdown when all is done.")
    phone_home: PhoneHome | None = field(default=None, doc="A message when all is done.")
    final_message: str | None = field(default=None, doc="What the console says when all is done.")
    # Packages.
    packages: object | None = field(default=None, doc="Packages to install: names, or pairs of name and version.")
    package_update: bool | None = field(default=None, doc="Update the lists of packages first.")
    package_upgrade: bool | None = field(default=None, doc="Upgrade all packages.")
    package_reboot_if_required: bool | None = field(default=None, doc="Reboot where a package asks for it.")
    yum_repos: object | None = field(default=None, doc="Repositories of yum and dnf, by id.")
    yum_repo_dir: str | None = field(default=None, doc="Directory of their files; /etc/yum.repos.d by default.")
    zypper: Zypper | None = field(default=None, doc="zypper's repositories and settings.")
    rh_subscription: Subscription | None = field(default=None, doc="A subscription of Red Hat's.")
    # What no Ignition system has, or only a running cloud-init can do. `transpile.cloud_init.refused` has the reasons.
    ansible: object | None = field(default=None, doc="Ansible playbooks.")
    apk_repos: object | None = field(default=None, doc="Alpine's repositories.")
    apt: object | None = field(default=None, doc="apt's settings.")
    apt_pipelining: object | None = field(default=None, doc="apt's pipelining.")
    apt_reboot_if_required: object | None = field(default=None, doc="Old spelling of `package_reboot_if_required`.")
    apt_update: object | None = field(default=None, doc="Old spelling of `package_update`.")
    apt_upgrade: object | None = field(default=None, doc="Old spelling of `package_upgrade`.")
    autoinstall: object | None = field(default=None, doc="Ubuntu's installer.")
    byobu_by_default: object | None = field(default=None, doc="Byobu at login.")
    chef: object | None = field(default=None, doc="Chef.")
    drivers: object | None = field(default=None, doc="Ubuntu's third-party drivers.")
    fan: object | None = field(default=None, doc="Ubuntu's fan networking.")
    grub_dpkg: object | None = field(default=None, doc="Where grub is installed to.")
    old_grub_dpkg: object | None = field("grub-dpkg", default=None, doc="Old spelling of `grub_dpkg`.")
    landscape: object | None = field(default=None, doc="Landscape's client.")
    lxd: object | None = field(default=None, doc="LXD.")
    mcollective: object | None = field(default=None, doc="MCollective.")
    puppet: object | None = field(default=None, doc="Puppet.")
    rpi: object | None = field(default=None, doc="Raspberry Pi's config.txt.")
    salt_minion: object | None = field(default=None, doc="Salt.")
    snap: object | None = field(default=None, doc="snap packages.")
    spacewalk: object | None = field(default=None, doc="Spacewalk.")
    ubuntu_advantage: object | None = field(default=None, doc="Old spelling of `ubuntu_pro`.")
    ubuntu_pro: object | None = field(default=None, doc="Ubuntu Pro.")
    updates: object | None = field(default=None, doc="When cloud-init configures the network anew.")
    vendor_data: object | None = field(default=None, doc="Whether the platform's own data is used.")
    # About cloud-init itself.
    cloud_init_modules: object | None = field(default=None, doc="What runs in the first stage.")
    cloud_config_modules: object | None = field(default=None, doc="What runs in the second stage.")
    cloud_final_modules: object | None = field(default=None, doc="What runs in the last stage.")
    launch_index: object | None = field("launch-index", default=None, doc="The instance that this is for.")
    merge_how: object | None = field(default=None, doc="How this is merged with what came before.")
    merge_type: object | None = field(default=None, doc="Other name of `merge_how`.")
    migrate: object | None = field(default=None, doc="Whether old state is taken over.")
    output: object | None = field(default=None, doc="Where cloud-init's output goes.")
    reporting: object | None = field(default=None, doc="Whom cloud-init reports to.")
    system_info: object | None = field(default=None, doc="What cloud-init takes the system for.")
    version: object | None = field(default=None, doc="Version of this format.")
