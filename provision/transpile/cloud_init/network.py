"""Time and name servers. Source: cloud-init 25, modules ntp and resolv_conf, with their templates."""

import re

from provision.schema.cloud_init.services import Ntp, ResolvConf
from provision.transpile.cloud_init.build import Build

CHRONY_TAIL = "driftfile /var/lib/chrony/drift\nmakestep 1.0 3\nrtcsync\nlogdir /var/log/chrony\n"
TIMESYNCD_CONF = "/etc/systemd/timesyncd.conf.d/cloud-init.conf"
RESOLVED_CONF = "/etc/systemd/resolved.conf.d/50-cloud-init.conf"
CLIENTS = {"chrony": "chrony", "systemd-timesyncd": "timesyncd"}
WORD = re.compile(r"[^\s#;]+")


def network(build: Build) -> None:
    """Both of them."""
    if build.root.ntp is not None:
        ntp(build.root.ntp, build)
    resolv_conf(build)


def ntp(wanted: Ntp, build: Build) -> None:
    """The time service's configuration."""
    author = build.author
    if wanted.enabled is False:
        author.fate(build.root, "ntp", "exact", "`enabled: false` leaves the time service alone")
        return
    if wanted.config is not None and (wanted.config.template or wanted.config.confpath):
        own_client(wanted, build)
        return
    asked = wanted.ntp_client or "auto"
    client = CLIENTS.get(asked, build.target.time if asked == "auto" else None)
    if client is None:
        said = f"no system with Ignition has the NTP client {asked}"
        author.complain("PV728", "error", wanted, "ntp_client", said, "use chrony, systemd-timesyncd or auto")
    elif is_sound(wanted, build):
        chrony(wanted, build) if client == "chrony" else timesyncd(wanted, build)


def is_sound(wanted: Ntp, build: Build) -> bool:
    """Whether every name is one word, so that no line of the configuration breaks."""
    sound = True
    for field in ("pools", "servers", "peers", "allow"):
        for item, name in enumerate(getattr(wanted, field)):
            if not WORD.fullmatch(name):
                build.author.complain("PV747", "error", wanted, field, f"`{name}` is no host", item=item)
                sound = False
    return sound


def chrony(wanted: Ntp, build: Build) -> None:
    """chrony's whole configuration, as cloud-init writes it."""
    lines = [f"pool {name} iburst" for name in wanted.pools]
    lines += [f"server {name} iburst" for name in wanted.servers]
    lines += [f"peer {name}" for name in wanted.peers] + [f"allow {name}" for name in wanted.allow]
    if not (wanted.pools or wanted.servers or wanted.peers):
        said = "no server is named; cloud-init takes the distribution's pool"
        if wanted.allow:
            build.author.complain("PV734", "warning", wanted, None, said, "name `pools` or `servers`")
        else:
            build.author.fate(build.root, "ntp", "exact", "the image's own servers stay")
            return
    build.file(build.target.chrony_conf, "\n".join(lines) + "\n" + CHRONY_TAIL, 0o644, wanted.origin)
    build.enable(build.target.chrony_unit, wanted.origin)
    if build.target.time == "timesyncd":
        build.mask("systemd-timesyncd.service", wanted.origin)


def timesyncd(wanted: Ntp, build: Build) -> None:
    """A drop-in for systemd-timesyncd, which only asks servers."""
    for field in ("peers", "allow"):
        if getattr(wanted, field):
            said = f"systemd-timesyncd has no `{field}`"
            build.author.complain("PV734", "warning", wanted, field, said, "use `ntp_client: chrony`")
            build.author.fate(wanted, field, "lost", said)
    names = [*wanted.servers, *wanted.pools]
    if names:
        build.file(TIMESYNCD_CONF, f"[Time]\nNTP={' '.join(names)}\n", 0o644, wanted.origin)
    build.enable("systemd-timesyncd.service", wanted.origin)


def own_client(wanted: Ntp, build: Build) -> None:
    """A client with a template of the author's own: rendered now."""
    config, author = wanted.config, build.author
    assert config is not None
    missing = [name for name in ("confpath", "template") if not getattr(config, name)]
    if missing:
        author.complain("PV103", "error", config, None, f"`config` needs `{missing[0]}` beside the other")
        return
    text = rendered(config.template or "", wanted, build)
    if text is None:
        return
    build.file(config.confpath or "", text, 0o644, author.place(config, "template"))
    if config.service_name:
        name = config.service_name
        build.enable(name if "." in name else f"{name}.service", author.place(config, "service_name"))
    if config.packages:
        said = "the client's packages are not installed by this key"
        author.complain("PV734", "warning", config, "packages", said, "put them into `packages`")
        author.fate(config, "packages", "lost", said)


def rendered(template: str, wanted: Ntp, build: Build) -> str | None:
    """A Jinja template with the servers filled in; None, and an error, where it can't be rendered."""
    from jinja2 import StrictUndefined, TemplateError
    from jinja2.sandbox import SandboxedEnvironment

    lines = template.split("\n")
    if lines[0].replace(" ", "").startswith("##template:jinja"):
        lines = lines[1:]
    values = {name: list(getattr(wanted, name)) for name in ("pools", "servers", "peers", "allow")}
    try:
        environment = SandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True)
        return environment.from_string("\n".join(lines)).render(values)
    except (TemplateError, TypeError, ValueError, OverflowError, ArithmeticError, LookupError, RecursionError) as error:
        place = wanted.config or wanted
        said = f"the template can't be rendered: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
        build.author.complain("PV728", "error", place, "template", said, "it may use pools, servers, peers and allow")
        return None


def resolv_conf(build: Build) -> None:
    """A drop-in for systemd-resolved, or /etc/resolv.conf itself for what resolved does not know."""
    root, author = build.root, build.author
    wanted = root.resolv_conf
    if wanted is None:
        return
    if not root.manage_resolv_conf:
        said = "`resolv_conf` counts only with `manage_resolv_conf: true`"
        author.complain("PV734", "warning", root, "resolv_conf", said, "write `manage_resolv_conf: true`, or drop it")
        author.fate(root, "resolv_conf", "lost", said)
        return
    words = [*wanted.nameservers, *wanted.searchdomains, *wanted.sortlist, *filter(None, [wanted.domain])]
    bad = next((word for word in words if not WORD.fullmatch(word)), None)
    if bad is not None:
        author.complain("PV747", "error", root, "resolv_conf", f"`{bad}` is no address or domain")
    elif wanted.sortlist or wanted.options:
        build.file("/etc/resolv.conf", own_resolv_conf(wanted), 0o644, wanted.origin)
        author.fate(root, "resolv_conf", "exact", "as /etc/resolv.conf, past systemd-resolved")
    else:
        domains = [*wanted.searchdomains] or list(filter(None, [wanted.domain]))
        lines = ["[Resolve]", "LLMNR=false"]
        lines += [f"DNS={' '.join(wanted.nameservers)}"] if wanted.nameservers else []
        lines += [f"Domains={' '.join(domains)}"] if domains else []
        build.file(RESOLVED_CONF, "\n".join(lines) + "\n", 0o644, wanted.origin)


def own_resolv_conf(wanted: ResolvConf) -> str:
    """resolv.conf(5)."""
    lines = [f"nameserver {server}" for server in wanted.nameservers]
    lines += [f"search {' '.join(wanted.searchdomains)}"] if wanted.searchdomains else []
    lines += [f"domain {wanted.domain}"] if wanted.domain else []
    lines += [f"sortlist {' '.join(wanted.sortlist)}"] if wanted.sortlist else []
    flags = [name for name, value in (wanted.options or {}).items() if value.lower() == "true"]
    valued = [f"{name}:{value}" for name, value in sorted((wanted.options or {}).items()) if not_flag(value)]
    lines += [f"options {' '.join((*flags, *valued))}"] if flags or valued else []
    return "\n".join(lines) + "\n"


def not_flag(value: str) -> bool:
    """Whether an option has a value, rather than being on or off."""
    return value.lower() not in ("true", "false", "")
