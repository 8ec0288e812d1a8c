"""Units that are enabled by links: the same links as systemctl makes, and only where systemd would not heed presets."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from provision.apply.directory import apply_plan, plan_directory
from provision.apply.operations.enabling import EnableUnit
from provision.apply.reading import read_config
from provision.apply.system import Machine
from provision.ignition import Config, Ignition, Systemd, Unit

ETC, LIB = "etc/systemd/system", "usr/lib/systemd/system"
RUN = "[Service]\nExecStart=/bin/true\n"
WANTED = f"{RUN}[Install]\nWantedBy=multi-user.target\n"

# What lies in a root (a path, and a text or `-> target`), and the unit that is enabled.
CASES: dict[str, tuple[dict[str, str], str]] = {
    "of the config": ({f"{ETC}/a.service": WANTED}, "a.service"),
    "of the system": ({f"{LIB}/a.service": WANTED}, "a.service"),
    "both": ({f"{LIB}/a.service": WANTED, f"{ETC}/a.service": f"{RUN}[Install]\nRequiredBy=b.target\n"}, "a.service"),
    "no install": ({f"{LIB}/a.service": RUN}, "a.service"),
    "missing": ({}, "a.service"),
    "masked": ({f"{LIB}/a.service": WANTED, f"{ETC}/a.service": "-> /dev/null"}, "a.service"),
    "several": (
        {f"{LIB}/a.service": f"{RUN}[Install]\nWantedBy=a.target b.target\nRequiredBy=c.target\nWantedBy=d.target\n"},
        "a.service",
    ),
    "a reset": ({f"{LIB}/a.service": f"{RUN}[Install]\nWantedBy=a.target\nWantedBy=\nWantedBy=b.target\n"}, "a.service"),
    "an alias": ({f"{LIB}/a.service": f"{WANTED}Alias=dbus-a.service other.service\n"}, "a.service"),
    "another unit too": (
        {f"{LIB}/a.service": f"{WANTED}Also=a.socket\n", f"{LIB}/a.socket": "[Socket]\nListenStream=/run/a\n[Install]\nWantedBy=sockets.target\nAlso=a.service\n"},
        "a.service",
    ),
    "an instance": ({f"{LIB}/a@.service": WANTED}, "a@x.service"),
    "an instance with its own file": ({f"{LIB}/a@.service": WANTED, f"{ETC}/a@x.service": f"{RUN}[Install]\nWantedBy=b.target\n"}, "a@x.service"),
    "a template with a default": ({f"{LIB}/a@.service": f"{WANTED}DefaultInstance=tty1\n"}, "a@.service"),
    "an alias of an instance": ({f"{LIB}/a@.service": f"{RUN}[Install]\nAlias=b@.service\n"}, "a@x.service"),
    "specifiers": ({f"{LIB}/a-b@.service": f"{RUN}[Install]\nWantedBy=%p.target %i.target %j.target\n"}, "a-b@x.service"),
    "a link to another unit": ({f"{LIB}/real.service": WANTED, f"{LIB}/a.service": "-> real.service"}, "a.service"),
    "a drop-in": ({f"{LIB}/a.service": RUN, f"{ETC}/a.service.d/10.conf": "[Install]\nWantedBy=b.target\n"}, "a.service"),
    "drop-ins of one name": (
        {f"{LIB}/a.service": RUN, f"{ETC}/a.service.d/10.conf": "[Install]\nWantedBy=b.target\n", f"{LIB}/a.service.d/10.conf": "[Install]\nWantedBy=c.target\n"},
        "a.service",
    ),
    "comments and continued lines": (
        {f"{LIB}/a.service": f"{RUN}[Install]\n# WantedBy=x.target\nWantedBy=a.target \\\n# between\n  b.target\n; RequiredBy=y.target\n"},
        "a.service",
    ),
    "a mount": ({f"{ETC}/var-data.mount": "[Mount]\nWhat=/dev/vdb1\nWhere=/var/data\n[Install]\nRequiredBy=local-fs.target\n"}, "var-data.mount"),
    "in /usr/local": ({"usr/local/lib/systemd/system/a.service": WANTED}, "a.service"),
    "enabled already": (
        {f"{LIB}/a.service": WANTED, f"{ETC}/multi-user.target.wants/a.service": "-> /usr/lib/systemd/system/a.service"},
        "a.service",
    ),
}  # fmt: skip


def root_with(folder: Path, nodes: dict[str, str]) -> Path:
    """A root that holds these."""
    for path, text in {"etc/systemd/system/": "", **nodes}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        if text.startswith("-> "):
            (folder / path).symlink_to(text.removeprefix("-> "))
        elif not path.endswith("/"):
            (folder / path).write_text(text)
    return folder


def links(root: Path) -> dict[str, str]:
    """The links below /etc, by path, with where they lead; of those to units only the name, for systemctl spells them so."""
    found = {}
    for folder, folders, files in os.walk(root / "etc"):
        for path in (Path(folder, name) for name in (*folders, *files)):
            if path.is_symlink():
                found[str(path.relative_to(root))] = os.readlink(path)
    return found


def enabled(root: Path, name: str) -> dict[str, str]:
    """The links after our act; a second run finds it done."""
    machine = Machine(str(root), {})
    act = EnableUnit(name=name)
    act.execute(machine)
    assert act.done(machine)
    machine.close()
    return links(root)


@pytest.mark.skipif(shutil.which("systemctl") is None, reason="needs systemctl")
@pytest.mark.parametrize("case", CASES)
def test_the_links_are_those_of_systemctl(case: str, tmp_path: Path) -> None:
    nodes, name = CASES[case]
    peer = root_with(tmp_path / "peer", nodes)
    done = subprocess.run(
        ["systemctl", "--root", str(peer), "enable", name], capture_output=True, text=True, check=False
    )
    assert enabled(root_with(tmp_path / "ours", nodes), name) == links(peer), done.stderr


def test_units_in_lib_of_a_root_without_a_merged_usr_are_found(tmp_path: Path) -> None:
    root = root_with(tmp_path, {"lib/systemd/system/a.service": WANTED})
    assert enabled(root, "a.service") == {f"{ETC}/multi-user.target.wants/a.service": "/lib/systemd/system/a.service"}


def test_a_unit_that_wants_itself_enabled_has_an_end(tmp_path: Path) -> None:
    root = root_with(
        tmp_path,
        {
            f"{LIB}/a.service": f"{WANTED}Also=b.service\n",
            f"{LIB}/b.service": f"{RUN}[Install]\nAlso=a.service b.service\n",
        },
    )
    assert set(enabled(root, "a.service")) == {f"{ETC}/multi-user.target.wants/a.service"}


def test_no_link_leads_out_of_the_root(tmp_path: Path) -> None:
    root = root_with(tmp_path / "root", {"etc/systemd/system": f"-> {tmp_path}/outside", f"{LIB}/a.service": WANTED})
    (tmp_path / "outside").mkdir()
    machine = Machine(str(root), {})
    EnableUnit(name="a.service").execute(machine)
    machine.close()
    assert os.listdir(tmp_path / "outside") == []


# ---- when ----------------------------------------------------------------------------------------------------------


def applied(root: Path, *units: Unit) -> list[str]:
    """The notes of a plan that was carried out."""
    config = Config(ignition=Ignition(version="3.5.0"), systemd=Systemd(units=units))
    plan = plan_directory(config, str(root))
    apply_plan(plan, lambda step: None)
    return [note for note in plan.notes if "root" not in note or "unit" in note]


@pytest.mark.parametrize(
    ("machine_id", "is_linked"),
    [
        (None, False),
        ("uninitialized\n", False),
        # An empty one is no first boot to systemd; see machine-id(5).
        ("", True),
        ("0123456789abcdef0123456789abcdef\n", True),
    ],
)
def test_links_are_made_where_systemd_goes_by_no_presets(
    machine_id: str | None, is_linked: bool, tmp_path: Path
) -> None:
    nodes = {} if machine_id is None else {"etc/machine-id": machine_id}
    root = root_with(tmp_path, {**nodes, f"{LIB}/a.service": WANTED})
    applied(root, Unit(name="a.service", enabled=True), Unit(name="b@1.service", contents=WANTED, enabled=True))
    assert (root / "etc/systemd/system-preset/20-ignition.preset").exists()
    wants = root / ETC / "multi-user.target.wants"
    assert (sorted(os.listdir(wants)) if wants.exists() else []) == ["a.service", "b@1.service"] * is_linked


def test_what_is_disabled_or_masked_gets_no_links(tmp_path: Path) -> None:
    root = root_with(tmp_path, {"etc/machine-id": "0" * 32, f"{LIB}/a.service": WANTED, f"{LIB}/b.service": WANTED})
    applied(root, Unit(name="a.service", enabled=False), Unit(name="b.service", enabled=True, mask=True))
    assert links(root) == {f"{ETC}/b.service": "/dev/null"}


def test_a_unit_that_nobody_has_is_noted(tmp_path: Path) -> None:
    root = root_with(tmp_path, {"etc/machine-id": "0" * 32})
    assert applied(root, Unit(name="a.service", enabled=True)) == [
        "unit a.service is to be enabled, and neither the root nor the config has it"
    ]


def test_a_unit_among_the_files_is_enabled_too(tmp_path: Path) -> None:
    root = root_with(tmp_path, {"etc/machine-id": "0" * 32})
    text = f"""{{"ignition": {{"version": "3.4.0"}},
      "storage": {{"files": [{{"path": "/etc/systemd/system/a.service", "contents": {{"source": "data:,{WANTED.replace(chr(10), "%0A")}"}}}}]}},
      "systemd": {{"units": [{{"name": "a.service", "enabled": true}}]}}}}"""
    plan = plan_directory(read_config(text.encode()).config, str(root))
    apply_plan(plan, lambda step: None)
    assert links(root) == {f"{ETC}/multi-user.target.wants/a.service": "/etc/systemd/system/a.service"}
