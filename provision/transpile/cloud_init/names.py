"""Names, places and languages: hostname, /etc/hosts, timezone, locale, keyboard.

Source: cloud-init 25, modules set_hostname, update_etc_hosts, timezone, locale, keyboard.
"""

import re

from provision.transpile.cloud_init.build import Build, double_quoted, shell_word

LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
HOST_NAME = re.compile(rf"{LABEL}(?:\.{LABEL})*")
WORD = re.compile(r"[^\s\x00-\x1f]+")
LONGEST_NAME = 64  # Source: hostname(7)
ZONE = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*")
LOCALE = re.compile(r"[A-Za-z0-9_.@-]+")
KEYBOARD_WORD = re.compile(r"[A-Za-z0-9_,:()+/.-]*")
LOCALHOST = "127.0.0.1 localhost\n::1 localhost\n"


def names(build: Build) -> None:
    """All of them."""
    hostname(build)
    hosts(build)
    timezone(build)
    locale(build)
    keyboard(build)


def host_names(build: Build) -> tuple[str, str] | None:
    """The host name and the full name that the document gives; None where it gives none."""
    root = build.root
    if root.fqdn:
        return root.hostname or root.fqdn.split(".")[0], root.fqdn
    if not root.hostname:
        return None
    return root.hostname.split(".")[0], root.hostname


def hostname(build: Build) -> None:
    """The static name, or a name for the running system only."""
    root, author = build.root, build.author
    field = "fqdn" if root.fqdn and not root.hostname else "hostname"
    sound = [check_name(name, build) for name in ("hostname", "fqdn")]
    found = host_names(build)
    if found is None or not all(sound):
        return
    if root.preserve_hostname:
        for name in ("hostname", "fqdn"):
            if getattr(root, name):
                author.fate(root, name, "lost", "`preserve_hostname` keeps the image's name")
        return
    prefers = root.prefer_fqdn_over_hostname
    name = found[prefers if prefers is not None else build.target.prefer_fqdn]
    place = author.place(root, "fqdn" if name == root.fqdn else field)
    if root.create_hostname_file is False:
        script = f"#!/bin/sh\nhostnamectl set-hostname --transient {shell_word(name)}\n"
        build.step("hostname", script, place, when="settings", once=False)
        author.fate(root, field, "unit", "by cloud-init-hostname.service")
    else:
        build.file("/etc/hostname", name + "\n", 0o644, place)


def check_name(field: str, build: Build) -> bool:
    """Whether a name can be a host's."""
    name = getattr(build.root, field)
    if not name or (HOST_NAME.fullmatch(name) and len(name) <= LONGEST_NAME):
        return True
    long = f"; it has {len(name)} characters" if len(name) > LONGEST_NAME else ""
    said, hint = f"`{name[:80]}` is no host name{long}", "use letters, digits and hyphens, parted by dots"
    sound = bool(WORD.fullmatch(name))
    build.author.complain("PV711" if sound else "PV747", "warning" if sound else "error", build.root, field, said, hint)
    return sound


def hosts(build: Build) -> None:
    """`manage_etc_hosts`: a line for the machine's own name."""
    root, author = build.root, build.author
    value = (root.manage_etc_hosts or "false").lower()
    if value in ("false", "no", "off", "0"):
        return
    if value not in ("localhost", "true", "yes", "on", "1", "template"):
        said = f"`manage_etc_hosts` is localhost, true or false, not {root.manage_etc_hosts}"
        author.complain("PV728", "error", root, "manage_etc_hosts", said)
        return
    place, found = author.place(root, "manage_etc_hosts"), host_names(build)
    if value != "localhost":
        said = (
            "cloud-init fills a template of the distribution; this writes its lines for localhost and the machine only"
        )
        author.complain("PV734", "warning", root, "manage_etc_hosts", said, "write `manage_etc_hosts: localhost`")
    if found is not None:
        short, full = found
        line = f"127.0.1.1 {full}" + (f" {short}" if short != full else "")
        if value == "localhost" and "/etc/hosts" in build.files:  # the author's own file gets the line
            build.append("/etc/hosts", f"{line}\n", 0o644, place)
        else:
            build.file("/etc/hosts", f"{LOCALHOST}{line}\n", 0o644, place)
        author.fate(root, "manage_etc_hosts", "exact", "written once, not in every boot")
    else:
        build.step("hosts", HOSTS, place, when="settings", once=False)
        author.fate(root, "manage_etc_hosts", "unit", "by cloud-init-hosts.service")


HOSTS = """#!/bin/sh
name=$(hostname)
[ -n "$name" ] || exit 0
file=/etc/hosts
grep -qs "^127\\.0\\.1\\.1[[:space:]]$name\\>" "$file" && exit 0
{ grep -v '^127\\.0\\.1\\.1[[:space:]]' "$file"; printf '127.0.1.1 %s %s\\n' "$name" "${name%%.*}"; } > "$file.new"
cat "$file.new" > "$file" && rm "$file.new"
"""


def timezone(build: Build) -> None:
    """A link to the zone's data."""
    zone = build.root.timezone
    if not zone:
        return
    if not ZONE.fullmatch(zone):
        said = f"`{zone}` is no time zone"
        build.author.complain(
            "PV747", "error", build.root, "timezone", said, "for example Europe/Berlin; see timedatectl list-timezones"
        )
        return
    build.link("/etc/localtime", f"../usr/share/zoneinfo/{zone}", build.author.place(build.root, "timezone"))


def locale(build: Build) -> None:
    """The language of the system."""
    root, author = build.root, build.author
    name = root.locale
    if not name or name.lower() in ("false", "true"):
        return
    if not LOCALE.fullmatch(name):
        author.complain("PV747", "error", root, "locale", f"`{name}` is no locale", "for example en_US.UTF-8")
        return
    path = root.locale_configfile or "/etc/locale.conf"
    build.file(path, f"LANG={name}\n", 0o644, author.place(root, "locale"))
    author.fate(root, "locale", "exact", "the image must have the locale; none is generated")


def keyboard(build: Build) -> None:
    """The keyboard of the console and of X11."""
    wanted, author = build.root.keyboard, build.author
    if wanted is None or "layout" in wanted.absent:
        return
    words = {name: getattr(wanted, name) or "" for name in ("layout", "model", "variant", "options")}
    for name, word in words.items():
        if not KEYBOARD_WORD.fullmatch(word):
            author.complain("PV747", "error", wanted, name, f"`{word}` is no {name} of a keyboard")
            return
    settings = {
        "KEYMAP": "-".join(filter(None, (words["layout"].split(",")[0], words["variant"].split(",")[0]))),
        "XKBLAYOUT": words["layout"],
        "XKBMODEL": words["model"] or "pc105",
        "XKBVARIANT": words["variant"],
        "XKBOPTIONS": words["options"],
    }
    lines = [f"{name}={double_quoted(value)}\n" for name, value in settings.items() if value]
    build.file("/etc/vconsole.conf", "".join(lines), 0o644, wanted.origin)
    for name in ("variant", "options"):
        if words[name]:
            said = f"the console has no `{name}` of its own; a keymap with the name {settings['KEYMAP']} must exist"
            author.fate(wanted, name, "exact", said)
