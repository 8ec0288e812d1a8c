"""Certificates, entropy, logging, tunnels, subscriptions. Source: cloud-init 25, the module of each key's name."""

import re

from provision.schema.cloud_init.services import CaCerts, Rsyslog, Subscription
from provision.transpile.cloud_init.build import Build, shell_word
from provision.transpile.cloud_init.files import decoded
from provision.transpile.cloud_init.spellings import modern

CERTIFICATE = re.compile(r"-----BEGIN (?:TRUSTED )?CERTIFICATE-----.+-----END (?:TRUSTED )?CERTIFICATE-----", re.S)
RSYSLOG_DIR = "/etc/rsyslog.d"
RSYSLOG_FILE = "20-cloud-config.conf"
INTERFACE = re.compile(r"[A-Za-z0-9_=+.-]{1,15}")
REMOTE = re.compile(
    r"(?:(?P<match>\S+)\s+)?(?P<proto>@{0,2})(?P<host>\[[0-9a-fA-F:.]+\]|[^\s:@]+)(?::(?P<port>[0-9]+))?"
)


def settings(build: Build) -> None:
    """All of them."""
    ca_certs(build)
    random_seed(build)
    if build.root.rsyslog is not None:
        rsyslog(build.root.rsyslog, build)
    wireguard(build)
    ec2_metadata(build)
    if build.root.rh_subscription is not None:
        subscription(modern(build.root.rh_subscription, build.author), build)


def ca_certs(build: Build) -> None:
    """A file for each certificate, and a service that takes them in."""
    author = build.author
    root = modern(build.root, author, only=("ca_certs",))
    if root.ca_certs is None:
        return
    wanted: CaCerts = modern(root.ca_certs, author)
    if wanted.remove_defaults:
        said = "the certificates of the system belong to its image and can't be taken away"
        author.complain("PV725", "error", wanted, "remove_defaults", said, "drop `remove_defaults`")
    for number, text in enumerate(wanted.trusted, 1):
        if not CERTIFICATE.search(text):
            said = "a certificate starts with -----BEGIN CERTIFICATE-----"
            author.complain("PV728", "warning", wanted, "trusted", said, "give it in PEM form, with `|`", number - 1)
        place = author.place(wanted, "trusted", number - 1)
        build.file(build.target.anchors.format(number), text, 0o644, place)
    if wanted.trusted:
        place = author.place(wanted, "trusted")
        build.step("ca-certs", f"#!/bin/sh\n{build.target.trust}\n", place, when="settings")
        author.fate(wanted, "trusted", "unit", "files, and cloud-init-ca-certs.service that takes them in")


def random_seed(build: Build) -> None:
    """Data for a file, or for the kernel; and a command."""
    wanted, author = build.root.random_seed, build.author
    if wanted is None:
        return
    path = wanted.file or "/dev/urandom"
    lines = []
    if wanted.data:
        data = decoded(wanted.data, wanted.encoding, wanted, build, "data")
        if data is None:
            return
        seed = path if not path.startswith("/dev/") else "/var/lib/provision/random-seed"
        build.file(seed, data, 0o600, author.place(wanted, "data"))
        if seed != path:
            lines.append(f"cat {seed} >> {shell_word(path)}")
    if wanted.command:
        command = " ".join(shell_word(word) for word in wanted.command)
        guard = "" if wanted.command_required else f"command -v {shell_word(wanted.command[0])} > /dev/null || exit 0\n"
        lines.append(f"{guard}RANDOM_SEED_FILE={shell_word(path)} {command}")
    if lines:
        build.step("random-seed", "#!/bin/sh\n" + "\n".join(lines) + "\n", wanted.origin, when="boot")
        author.fate(build.root, "random_seed", "unit", "by cloud-init-random-seed.service")


def rsyslog(wanted: Rsyslog, build: Build) -> None:
    """Files in rsyslog's directory. Pieces of one file stand in the order of the list."""
    author = build.author
    directory = (wanted.config_dir or RSYSLOG_DIR).rstrip("/")
    usual = wanted.config_filename or RSYSLOG_FILE
    for entry in wanted.configs:
        name = entry.filename or usual
        path = name if name.startswith("/") else f"{directory}/{name}"
        build.append(path, entry.content.rstrip("\n") + "\n", 0o644, entry.origin)
    for name, remote in (wanted.remotes or {}).items():
        rule = rule_for(name, remote, wanted, build)
        if rule:
            build.append(f"{directory}/{usual}", f"{rule}\n", 0o644, author.place(wanted, "remotes"))
    for field in ("install_rsyslog", "packages", "service_reload_command"):
        if getattr(wanted, field) and not (
            field == "service_reload_command" and wanted.service_reload_command == ("auto",)
        ):
            author.fate(wanted, field, "lost", "rsyslog must be in the image; it reads its files when it starts")
    if wanted.install_rsyslog:
        said = "nothing installs rsyslog; it must be in the image"
        author.complain("PV734", "warning", wanted, "install_rsyslog", said, "add it to `packages`")


def rule_for(name: str, remote: str, wanted: Rsyslog, build: Build) -> str | None:
    """The rule that sends to one host."""
    address = remote.partition("#")[0].strip()
    if not address:
        return None
    found = REMOTE.fullmatch(address)
    if not found:
        said = f"`{name}` must be `[filter] [@|@@]host[:port]`, not {remote!r}"
        build.author.complain("PV728", "error", wanted, "remotes", said)
        return None
    port = f":{found['port']}" if found["port"] else ""
    return f"{found['match'] or '*.*'} {found['proto'] or '@'}{found['host']}{port} # {' '.join(name.split())}"


def wireguard(build: Build) -> None:
    """Files for wg-quick, and its units."""
    wanted, author = build.root.wireguard, build.author
    if wanted is None:
        return
    for interface in wanted.interfaces:
        if interface.absent or interface.broken:
            continue
        usual = f"/etc/wireguard/{interface.name}.conf"
        if not INTERFACE.fullmatch(interface.name) or interface.name in (".", ".."):
            said = f"`{interface.name}` is no name for an interface"
            author.complain("PV747", "error", interface, "name", said, "at most 15 letters, digits, hyphens and dots")
            continue
        path = interface.config_path or usual
        if path != usual:
            said = f"wg-quick@{interface.name} reads {usual}, not {path}"
            author.complain("PV734", "warning", interface, "config_path", said, f"write {usual}")
        build.file(path, interface.content, 0o600, author.place(interface, "content"))
        build.enable(f"wg-quick@{interface.name}.service", author.place(interface, "name"))
    if wanted.readinessprobe:
        lines = "\n".join(wanted.readinessprobe)
        build.step("wireguard", f"#!/bin/sh\nset -e\n{lines}\n", author.place(wanted, "readinessprobe"))
        author.fate(wanted, "readinessprobe", "unit", "by cloud-init-wireguard.service")


def ec2_metadata(build: Build) -> None:
    """A route that refuses the metadata service, in every boot, behind those who ask it."""
    if build.root.disable_ec2_metadata:
        place = build.author.place(build.root, "disable_ec2_metadata")
        unit = (("After", "afterburn.service coreos-metadata.service afterburn-sshkeys.target"),)
        script = "#!/bin/sh\nip route replace prohibit 169.254.169.254\n"
        build.step("metadata", script, place, once=False, unit=unit)
        build.author.fate(build.root, "disable_ec2_metadata", "unit", "by cloud-init-metadata.service")


def subscription(wanted: Subscription, build: Build) -> None:
    """subscription-manager, once. Source: module rh_subscription."""
    author = build.author
    login = wanted.username and wanted.password
    if not login and not (wanted.activation_key and wanted.org):
        said = "`rh_subscription` needs `username` and `password`, or `activation_key` and `org`"
        author.complain("PV103", "error", wanted, None, said)
        return
    field = "password" if login else "activation_key"
    said = f"`{field}` stands in clear text in a script of the machine, for root to read"
    author.complain("PV731", "warning", wanted, field, said)
    words = ["subscription-manager", "register"]
    if login:
        words += [f"--username={wanted.username}", f"--password={wanted.password}"]
        words += ["--auto-attach"] if wanted.auto_attach else []
    else:
        words += [f"--activationkey={wanted.activation_key}", f"--org={wanted.org}"]
    words += [f"--serverurl={wanted.server_hostname}"] if wanted.server_hostname else []
    words += [f"--baseurl={wanted.rhsm_baseurl}"] if wanted.rhsm_baseurl else []
    commands = [words]
    if wanted.service_level:
        commands.append(["subscription-manager", "attach", "--auto", f"--servicelevel={wanted.service_level}"])
    commands += [["subscription-manager", "attach", f"--pool={pool}"] for pool in wanted.add_pool]
    commands += [["subscription-manager", "repos", f"--enable={name}"] for name in wanted.enable_repo]
    commands += [["subscription-manager", "repos", f"--disable={name}"] for name in wanted.disable_repo]
    if wanted.release_version:
        commands.append(["subscription-manager", "release", f"--set={wanted.release_version}"])
    lines = "\n".join(" ".join(map(shell_word, command)) for command in commands)
    build.step("subscription", f"#!/bin/sh\nset -e\n{lines}\n", wanted.origin)
    author.fate(build.root, "rh_subscription", "unit", "by cloud-init-subscription.service")
