"""Packages and their repositories. Source: cloud-init 25, modules package_update_upgrade_install, yum_add_repo, zypper_add_repo."""

import re
from collections.abc import Mapping
from typing import Any

from ruamel.yaml.nodes import ScalarNode

from provision.ignition import File
from provision.transpile.cloud_init.build import Build, contents_of, shell_word
from provision.transpile.cloud_init.shapes import Shapes

PACKAGE = re.compile(r"[A-Za-z0-9@(/][^\s;&|<>`$\"'\\]*")
LINKS = ("baseurl", "metalink", "mirrorlist")
URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+(\s+[A-Za-z][A-Za-z0-9+.-]*:\S+)*\s*\Z")
REPOSITORY = re.compile(r"[A-Za-z0-9 _.:-]+")
# Settings, with their old names.
SETTINGS = {
    "package_update": "apt_update", "package_upgrade": "apt_upgrade",
    "package_reboot_if_required": "apt_reboot_if_required",
}  # fmt: skip
YUM_DIR = "/etc/yum.repos.d"
ZYPPER_DIR = "/etc/zypp/repos.d"
ZYPP_CONF = "/etc/zypp/zypp.conf"


def packages(build: Build) -> None:
    """Repositories first: packages may come from them."""
    yum_repos(build)
    zypper(build)
    install(build)


def install(build: Build) -> None:
    """One service that updates, upgrades and installs."""
    root, author = build.root, build.author
    asked = {name: truth(name, build) for name in SETTINGS}
    names = listed(build)
    if not names and not any(asked.values()):
        return
    field = "packages" if root.packages is not None else next(name for name in asked if asked[name])
    system = build.system(root, field, "how packages are installed")
    if system is None:
        return
    if names and system.install is None:
        said = f"{author.options.target_os} has no package manager"
        author.complain(
            "PV733", "error", root, "packages", said, "run the program as a container, or add a system extension"
        )
        return
    if asked["package_upgrade"] and system.upgrade is None:
        said = "the system is upgraded as a whole, by its own updates"
        author.complain("PV725", "error", root, "package_upgrade", said, "drop `package_upgrade`")
        return
    commands = [system.refresh] if system.refresh and (asked["package_update"] or asked["package_upgrade"]) else []
    commands += [system.upgrade] if system.upgrade and asked["package_upgrade"] else []
    commands += [f"{system.install} {' '.join(map(shell_word, names))}"] if names and system.install else []
    if asked["package_reboot_if_required"]:
        commands.append("if [ -e /var/run/reboot-required ]; then systemctl --no-block reboot; fi")
    if commands:
        reboot = "systemctl --no-block reboot\n" if system.rebooting and names else ""
        place = author.place(root, field)
        build.step("packages", "#!/bin/sh\nset -e\n" + "\n".join(commands) + "\n" + reboot, place)
    for name in ("packages", *SETTINGS, *SETTINGS.values()):
        if name in root.__dict__:
            how = "by cloud-init-packages.service" if commands else "the package manager needs no update"
            author.fate(root, name, "unit" if commands else "exact", how)


def truth(name: str, build: Build) -> bool:
    """A setting, also by its old name."""
    old = SETTINGS[name]
    node = getattr(build.root, old)
    if node is not None:
        said = f"`{old}` is the old spelling of `{name}`"
        build.author.complain("PV727", "info", build.root, old, said, f"write `{name}`")
    own = getattr(build.root, name)
    found = build.shapes.truth(node)
    if found is None and node is not None and build.shapes.of(node) != "null":
        build.shapes.wrong(node, old, "true or false")
    return bool(own) if own is not None else found is True


def listed(build: Build) -> list[str]:
    """The packages to install, with their versions as the package manager takes them."""
    shapes, found = build.shapes, []
    node = build.root.packages
    for item in shapes.items(node, "packages") if node is not None else ():
        kind = shapes.of(item)
        if kind == "map":
            found += managed(item, build)
        elif kind == "list":
            found += pair(item, build)
        elif kind == "text":
            found += package(shapes.text(item, "packages"), item, build)
    return found


def package(name: str | None, place: Any, build: Build) -> list[str]:
    """A package's name, if it is one."""
    if name is None:
        return []
    if not PACKAGE.fullmatch(name):
        build.shapes.complain(place, "PV747", "error", f"`{name}` is no name of a package")
        return []
    return [name]


def pair(item: Any, build: Build) -> list[str]:
    """A name with a version."""
    words = build.shapes.words(item, "packages")
    if words is None:
        return []
    if len(words) != 2:
        build.shapes.wrong(item, "packages", "a list of names, or of pairs of name and version")
        return []
    parts = [part for word in words for part in package(word, item, build)]
    separator = "=" if "apt-get" in (build.target.install or "") else "-"
    return [separator.join(parts)] if len(parts) == 2 else []


def managed(item: Any, build: Build) -> list[str]:
    """Packages of one package manager: apt's where the system has it."""
    found = []
    for manager, names in build.shapes.pairs(item, "packages"):
        if manager != "apt" or "apt-get" not in (build.target.install or ""):
            said = f"the system has no {manager}"
            build.shapes.complain(names, "PV725", "error", said, "list packages without a package manager")
            continue
        for name in build.shapes.items(names, manager):
            found += (
                pair(name, build)
                if build.shapes.of(name) == "list"
                else package(build.shapes.text(name, manager), name, build)
            )
    return found


# ---- repositories -------------------------------------------------------------------------------------------------


def yum_repos(build: Build) -> None:
    """A file for each repository."""
    root, shapes = build.root, build.shapes
    directory = (root.yum_repo_dir or YUM_DIR).rstrip("/")
    for name, node in shapes.pairs(root.yum_repos, "yum_repos") if root.yum_repos is not None else ():
        settings = {key.lower().strip().replace("-", "_"): value for key, value in shapes.pairs(node, name)}
        if not sound_repository(name, node, settings, LINKS, build):
            continue
        section = name.replace(" ", "-")
        lines = [f"{key} = {value_of(value, shapes)}\n" for key, value in settings.items()]
        build.file(f"{directory}/{section}.repo", f"[{section}]\n{''.join(lines)}", 0o644, node)


def sound_repository(name: str, node: Any, settings: Mapping[str, Any], needed: tuple[str, ...], build: Build) -> bool:
    """Whether a repository has a name for a file, and an address."""
    if not REPOSITORY.fullmatch(name) or name.startswith("."):
        build.shapes.complain(
            node, "PV747", "error", f"`{name}` is no name for a repository", "letters, digits, - and _"
        )
        return False
    if not any(key in settings for key in needed):
        said = f"the repository {name} needs {' or '.join(f'`{key}`' for key in needed)}"
        build.shapes.complain(node, "PV103", "error", said)
        return False
    address = settings.get("baseurl")
    for text, place in build.shapes.texts(address, "baseurl") if build.shapes.of(address) in ("text", "list") else ():
        if not URL.match(text):
            build.shapes.complain(
                place, "PV728", "error", f"`{text}` is no URL", "for example https://example.com/repo"
            )
            return False
    return True


def value_of(node: Any, shapes: Shapes) -> str:
    """A value as repository files have it: 1 and 0 for booleans, lists over several lines."""
    if shapes.of(node) == "list":
        return "\n    ".join(value_of(item, shapes) for item in node.value)
    if shapes.of(node) == "map":
        shapes.wrong(node, "the repository", "a string, a number, true or false")
        return ""
    plain = isinstance(node, ScalarNode) and node.value in (
        "true",
        "True",
        "TRUE",
        "false",
        "False",
        "FALSE",
        "yes",
        "no",
        "on",
        "off",
    )
    truth = shapes.truth(node) if plain and not node.style else None
    if truth is not None:
        return str(int(truth))
    return re.sub(r"[\r\n]+", "\n    ", (shapes.text(node, "the repository") or "").strip())


def zypper(build: Build) -> None:
    """A file for each repository, and settings at the end of zypp.conf."""
    wanted, shapes = build.root.zypper, build.shapes
    if wanted is None:
        return
    config = wanted.config or {}
    directory = config.get("reposdir", ZYPPER_DIR).rstrip("/")
    for node in shapes.items(wanted.repos, "repos") if wanted.repos is not None else ():
        settings = {key.lower().strip().replace("-", "_"): value for key, value in shapes.pairs(node, "repos")}
        name = shapes.text(settings.pop("id"), "id") if "id" in settings else None
        if name is None:
            shapes.complain(node, "PV103", "error", "an element of `repos` needs `id`")
        elif sound_repository(name, node, settings, ("baseurl",), build):
            section = name.replace(" ", "_")
            values = {"enabled": "1", "autorefresh": "1"} | {
                key: value_of(value, shapes) for key, value in settings.items()
            }
            text = f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in values.items())
            build.file(f"{directory}/{section}.repo", text, 0o644, node)
    lines = [
        f"{key}={value}\n" for key, value in config.items() if value and key != "configdir" and "\n" not in key + value
    ]
    if "configdir" in config:
        build.author.complain("PV734", "warning", wanted, "config", "`configdir` can't be changed; it is dropped")
    if lines:
        place = build.author.place(wanted, "config")
        piece = contents_of(("# Added from cloud-init user-data\n" + "".join(lines)).encode(), place)
        file = build.files.get(ZYPP_CONF) or File(path=ZYPP_CONF).at(place)
        build.files[ZYPP_CONF] = file.changed(append=(*file.append, piece))
