"""cloud-init's keys for settings and services of the system. Source: cloud-init 25, the module of each key's name."""

from provision.record import Record, field


class Keyboard(Record):
    """The keyboard: `keyboard`."""

    layout: str = field(required="1.0", doc="Layout, for example de.")
    model: str | None = field(default=None, doc="Model; pc105 by default.")
    variant: str | None = field(default=None, doc="Variant of the layout.")
    options: str | None = field(default=None, doc="Options of XKB.")


class NtpConfig(Record):
    """How an NTP client that cloud-init does not know is set up: `ntp.config`."""

    confpath: str | None = field(default=None, doc="Path of its configuration.")
    check_exe: str | None = field(default=None, doc="Program by which it is found.")
    packages: tuple[str, ...] = field(default=(), doc="Packages to install.")
    service_name: str | None = field(default=None, doc="Name of its service.")
    template: str | None = field(default=None, doc="Jinja template of the configuration.")


class Ntp(Record):
    """Time servers: `ntp`."""

    pools: tuple[str, ...] = field(default=(), doc="Pools of servers.")
    servers: tuple[str, ...] = field(default=(), doc="Servers.")
    peers: tuple[str, ...] = field(default=(), doc="Peers; chrony only.")
    allow: tuple[str, ...] = field(default=(), doc="Networks that may ask; chrony only.")
    ntp_client: str | None = field(default=None, doc="chrony, systemd-timesyncd, or auto.")
    enabled: bool | None = field(default=None, doc="false leaves the time alone.")
    config: NtpConfig | None = field(default=None, doc="Settings of the client itself.")


class ResolvConf(Record):
    """Name servers: `resolv_conf`."""

    nameservers: tuple[str, ...] = field(default=(), doc="Addresses of name servers.")
    searchdomains: tuple[str, ...] = field(default=(), doc="Domains to search.")
    domain: str | None = field(default=None, doc="The local domain.")
    sortlist: tuple[str, ...] = field(default=(), doc="Networks whose addresses come first.")
    options: dict[str, str] | None = field(default=None, doc="Options of resolv.conf(5).")


class CaCerts(Record):
    """Certificates to trust: `ca_certs`."""

    trusted: tuple[str, ...] = field(default=(), doc="Certificates in PEM form.")
    remove_defaults: bool | None = field(default=None, doc="Trust none of those that the system brings.")
    old_remove_defaults: bool | None = field("remove-defaults", default=None, doc="Old spelling of `remove_defaults`.")


class RandomSeed(Record):
    """Entropy: `random_seed`."""

    file: str | None = field(default=None, doc="Where the data is written; /dev/urandom by default.")
    data: str | None = field(default=None, secret=True, doc="The data.")
    encoding: str | None = field(default=None, doc="raw, base64 or gzip.")
    command: tuple[str, ...] = field(
        default=(), doc="A command that makes entropy; RANDOM_SEED_FILE tells it the file."
    )
    command_required: bool | None = field(default=None, doc="Fail where the command does not exist.")


class RsyslogConfig(Record):
    """A piece of rsyslog's configuration: `rsyslog.configs[]`."""

    content: str = field(required="1.0", shorthand=True, doc="The text.")
    filename: str | None = field(default=None, doc="File that it goes to.")


class Rsyslog(Record):
    """System logging: `rsyslog`."""

    config_dir: str | None = field(default=None, doc="Directory of the files; /etc/rsyslog.d by default.")
    config_filename: str | None = field(
        default=None, doc="File for pieces without one; 20-cloud-config.conf by default."
    )
    configs: tuple[RsyslogConfig, ...] = field(default=(), doc="Pieces of configuration.")
    remotes: dict[str, str] | None = field(
        default=None, doc="Hosts to send to, by a name: `[filter] [@|@@]host[:port]`."
    )
    service_reload_command: tuple[str, ...] = field(default=(), alone=True, doc="How rsyslog is told; auto by default.")
    install_rsyslog: bool | None = field(default=None, doc="Install it where it is missing.")
    check_exe: str | None = field(default=None, doc="Program by which it is found.")
    packages: tuple[str, ...] = field(default=(), doc="Packages to install.")


class WireguardInterface(Record):
    """One tunnel: `wireguard.interfaces[]`."""

    name: str = field(required="1.0", doc="Name of the interface.")
    config_path: str | None = field(
        default=None, doc="Path of the configuration; /etc/wireguard/<name>.conf is what wg-quick reads."
    )
    content: str = field(required="1.0", secret=True, doc="The configuration.")


class Wireguard(Record):
    """WireGuard tunnels: `wireguard`."""

    interfaces: tuple[WireguardInterface, ...] = field(default=(), doc="The tunnels.")
    readinessprobe: tuple[str, ...] = field(default=(), doc="Shell commands that fail while a tunnel does not work.")


class PhoneHome(Record):
    """A message when all is done: `phone_home`."""

    url: str = field(required="1.0", doc="Where it is posted to; $INSTANCE_ID stands for the machine's id.")
    post: tuple[str, ...] = field(default=(), alone=True, doc="What is told, or `all`.")
    tries: int | None = field(default=None, doc="How often it is tried; 10 by default.")


class PowerState(Record):
    """Reboot or shutdown when all is done: `power_state`."""

    mode: str = field(required="1.0", doc="poweroff, reboot or halt.")
    delay: str | None = field(default=None, doc="Minutes, with or without `+`, or now.")
    message: str | None = field(default=None, doc="What users are told.")
    timeout: int | None = field(default=None, doc="Seconds that cloud-init is waited for.")
    condition: object | None = field(default=None, doc="true, false, a shell command or a command as a list.")


class Subscription(Record):
    """A subscription of Red Hat's: `rh_subscription`."""

    username: str | None = field(default=None, secret=True, doc="Name of the account.")
    password: str | None = field(default=None, secret=True, doc="Its password.")
    activation_key: str | None = field(default=None, secret=True, doc="Activation key, together with `org`.")
    org: str | None = field(default=None, doc="Organisation.")
    auto_attach: bool | None = field(default=None, doc="Attach what fits.")
    service_level: str | None = field(default=None, doc="Service level, with `auto_attach`.")
    add_pool: tuple[str, ...] = field(default=(), doc="Pools to attach.")
    enable_repo: tuple[str, ...] = field(default=(), doc="Repositories to enable.")
    disable_repo: tuple[str, ...] = field(default=(), doc="Repositories to disable.")
    release_version: str | None = field(default=None, doc="Release to stay on.")
    rhsm_baseurl: str | None = field(default=None, doc="Where content comes from.")
    server_hostname: str | None = field(default=None, doc="The subscription server.")
    old_activation_key: str | None = field(
        "activation-key", default=None, secret=True, doc="Old spelling of `activation_key`."
    )
    old_auto_attach: bool | None = field("auto-attach", default=None, doc="Old spelling of `auto_attach`.")
    old_service_level: str | None = field("service-level", default=None, doc="Old spelling of `service_level`.")
    old_add_pool: tuple[str, ...] = field("add-pool", default=(), doc="Old spelling of `add_pool`.")
    old_enable_repo: tuple[str, ...] = field("enable-repo", default=(), doc="Old spelling of `enable_repo`.")
    old_disable_repo: tuple[str, ...] = field("disable-repo", default=(), doc="Old spelling of `disable_repo`.")
    old_rhsm_baseurl: str | None = field("rhsm-baseurl", default=None, doc="Old spelling of `rhsm_baseurl`.")
    old_server_hostname: str | None = field("server-hostname", default=None, doc="Old spelling of `server_hostname`.")


class Zypper(Record):
    """zypper's repositories and settings: `zypper`."""

    repos: object | None = field(default=None, doc="Repositories: mappings with `id`, `baseurl` and zypper's own keys.")
    config: dict[str, str] | None = field(default=None, doc="Settings for zypp.conf.")
