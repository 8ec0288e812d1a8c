"""The scripts of the initramfs: that shells and systemd take them, and what they do in a made-up environment."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from provision.initramfs.kinds import FOLDER

SHELLS = {path: path.read_bytes().split(b"\n")[0].decode() for path in sorted(FOLDER.rglob("*")) if path.is_file()}
SCRIPTS = [path for path, first in SHELLS.items() if first.startswith("#!") or "shellcheck shell=sh" in first]
UNITS = sorted(FOLDER.rglob("*.service")) + sorted(FOLDER.rglob("*.target"))
ASKED = FOLDER / "shared/first-boot-asked"
GENERATOR = FOLDER / "dracut/provision-generator.sh"
is_root = pytest.mark.skipif(os.geteuid() != 0 or not os.path.exists("/dev/loop-control"), reason="needs loop devices")


def named(path: Path) -> str:
    """What a test is called."""
    return str(path.relative_to(FOLDER))


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program, with variables beside PATH."""
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]} | environment
    )


# ---- what tools say -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SCRIPTS, ids=named)
def test_its_shell_can_read_it(path: Path) -> None:
    shell = "bash" if "bash" in SHELLS[path] else "sh"
    done = run(shell, "-n", path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="needs shellcheck")
@pytest.mark.parametrize("path", SCRIPTS, ids=named)
def test_shellcheck_finds_nothing(path: Path) -> None:
    # Those that are sourced are checked by themselves; of what dracut and others provide nothing is known here.
    shell = ["--shell=bash"] if "bash" in SHELLS[path] else ["--shell=dash"]
    done = run("shellcheck", *shell, "--exclude=SC1091", path)
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
@pytest.mark.parametrize("path", UNITS, ids=named)
def test_systemd_knows_every_line(path: Path, tmp_path: Path) -> None:
    done = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", path)
    others = [
        line for line in done.stderr.splitlines() if not line.endswith("is not executable: No such file or directory")
    ]
    assert others == []


def test_units_of_the_initramfs_end_before_the_real_root_takes_over() -> None:
    for path in (path for path in UNITS if path.parent.name == "dracut" and path.suffix == ".service"):
        if path.stem == "provision-writable":
            continue
        text = path.read_text()
        assert "DefaultDependencies=no" in text
        assert "Before=provision-complete.target" in text
        assert "OnFailure=emergency.target\nOnFailureJobMode=isolate" in text
        assert ("ConditionPathExists=/run/provision/first-boot" in text) == (path.stem != "provision-begin")


# ---- whether anything asks -------------------------------------------------------------------------------------------


@pytest.fixture
def command_line(tmp_path: Path) -> Path:
    """A kernel command line."""
    return tmp_path / "cmdline"


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("root=/dev/vda ro quiet", False),
        ("quiet provision.firstboot", True),
        ("ignition.firstboot=1 quiet", True),
        ("provision.firstboot=0", False),
        ("provision.firstboot=", False),
        ("provision.firstboot=off ignition.firstboot=no", False),
        ("provision.firstboot provision.firstboot=no", False),
        ("provision.firstboot=no provision.firstboot", True),
        ("xprovision.firstboot=1 provision.firstboots", False),
        ("* provision.firstbo?t /etc/*", False),
    ],
)
def test_words_are_taken_as_the_agent_takes_them(text: str, asks: bool, command_line: Path) -> None:
    from provision.apply.kernel_command_line import is_first_boot

    command_line.write_text(text + "\n")
    done = run("sh", ASKED, "--command-line", IGNITION_KERNEL_CMDLINE_PATH=str(command_line))
    assert (done.returncode == 0, done.stderr) == (asks, "")
    assert is_first_boot(text) == asks


@is_root
@pytest.mark.parametrize(
    ("file", "is_boot", "asks"),
    [
        ("etc/fstab", False, False),
        ("boot/provision.firstboot", False, True),
        ("boot/ignition.firstboot", False, True),
        ("etc/.provision-journal", False, True),
        (".provision-journal", False, True),
        ("provision.firstboot", False, False),
        ("provision.firstboot", True, True),
        ("boot/provision.firstboot", True, False),
    ],
)
def test_files_are_looked_for_on_both_file_systems(
    file: str, is_boot: bool, asks: bool, command_line: Path, tmp_path: Path
) -> None:
    (tmp_path / "tree" / file).parent.mkdir(parents=True)
    (tmp_path / "tree" / file).touch()
    image = tmp_path / "image"
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", tmp_path / "tree", image, "4M"], check=True)
    command_line.write_text("root=/dev/vda rootflags=rw,noatime\n")
    loop = subprocess.run(
        ["losetup", "--find", "--show", image], capture_output=True, text=True, check=True
    ).stdout.strip()
    try:
        if is_boot:
            (tmp_path / "disk/by-label").mkdir(parents=True)
            (tmp_path / "disk/by-label/boot").symlink_to(loop)
        done = run(
            "sh", ASKED, *(() if is_boot else (loop,)), IGNITION_KERNEL_CMDLINE_PATH=str(command_line),
            PROVISION_DISKS=str(tmp_path / "disk"), PROVISION_RUN=str(tmp_path),
        )  # fmt: skip
    finally:
        subprocess.run(["losetup", "--detach", loop], check=True)
    assert (done.returncode == 0, done.stderr) == (asks, "")
    assert str(tmp_path) not in Path("/proc/self/mounts").read_text()


def test_a_device_that_is_none_asks_for_nothing(command_line: Path) -> None:
    command_line.write_text("quiet\n")
    for device in ("/dev/null", "/dev/missing", ""):
        assert run("sh", ASKED, device, IGNITION_KERNEL_CMDLINE_PATH=str(command_line)).returncode == 1


# ---- the generator ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "is_early"),
    [
        ("root=LABEL=root provision.firstboot", True),
        ("root=LABEL=root ignition.firstboot=1 rd.neednet=1", True),
        ("root=LABEL=root", False),
        ("root=LABEL=root provision.firstboot=0", False),
        ("root=/dev/mapper/vg-root provision.firstboot", False),
        ("root=LABEL=root provision.firstboot rd.luks.uuid=1234", False),
        ("root=LABEL=root provision.firstboot rd.md.uuid=1234", False),
        ("root=LABEL=root provision.firstboot resume=/dev/vda3", False),
    ],
)
def test_the_generator_orders_the_first_boot(text: str, is_early: bool, command_line: Path, tmp_path: Path) -> None:
    command_line.write_text(text + "\n")
    units = tmp_path / "units"
    units.mkdir()
    done = run(
        "sh", GENERATOR, units, units, units, IGNITION_KERNEL_CMDLINE_PATH=str(command_line), PROVISION_ASKED=str(ASKED),
        PROVISION_INITRD_RELEASE=str(command_line),
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    link = units / "initrd.target.requires/provision-complete.target"
    assert os.readlink(link) == "/usr/lib/systemd/system/provision-complete.target"
    order = (units / "provision-begin.service.d/order.conf").read_text()
    assert order.startswith("[Unit]\n")
    assert ("Before=dracut-initqueue.service initrd-root-device.target" in order) == is_early
    assert ("After=dracut-initqueue.service initrd-root-device.target" in order) != is_early
    assert (units / "provision-disks.service.d/order.conf").exists() == is_early


def test_outside_of_an_initramfs_the_generator_does_nothing(tmp_path: Path) -> None:
    done = run("sh", GENERATOR, tmp_path, PROVISION_INITRD_RELEASE=str(tmp_path / "missing"))
    assert (done.returncode, os.listdir(tmp_path)) == (0, [])


# ---- the steps -------------------------------------------------------------------------------------------------------

# Stands for the agent: says what it is called with, and does what the file of that name in the folder says.
STAGES = """
. "$STEPS"
PROVISION_MARK=$FOLDER/first-boot
provision_shell() { echo shell; sh "$FOLDER/shell"; }
provision_network() { echo network; }
udevadm() { :; }
provision_agent() {
    echo "agent $*"
    [ ! -e "$FOLDER/answers" ] || . "$FOLDER/answers"
}
"""


def stepped(folder: Path, act: str, *, answers: str = "", shell: str = ":") -> list[str]:
    """What a step does; `answers` is what the agent does, `shell` what somebody types after a failure."""
    (folder / "answers").write_text(answers)
    (folder / "shell").write_text(shell)
    done = run("sh", "-c", STAGES + act, STEPS=str(FOLDER / "shared/steps"), FOLDER=str(folder))
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


BEGINS = """case $* in first-boot*begin*) echo "PLATFORM_ID='qemu'" >"$PROVISION_MARK" ;; esac\n"""


def test_a_boot_that_is_not_the_first_ends_with_its_beginning(tmp_path: Path) -> None:
    assert stepped(tmp_path, "provision_before_root /dev/vda") == [
        "agent first-boot begin -log-to-stdout -device /dev/vda"
    ]
    assert stepped(tmp_path, "provision_in_root /root") == []


def test_the_stages_run_in_their_order(tmp_path: Path) -> None:
    assert stepped(tmp_path, "provision_before_root ''; provision_in_root /root", answers=BEGINS) == [
        "agent first-boot begin -log-to-stdout -device ",
        "agent ignition -platform qemu -log-to-stdout -stage fetch-offline",
        "agent ignition -platform qemu -log-to-stdout -stage kargs,disks",
        "agent ignition -platform qemu -log-to-stdout -stage mount,files,umount -root /root",
        "agent first-boot end -log-to-stdout -root /root",
    ]


def test_after_a_failure_there_is_a_shell_and_then_the_stage_again(tmp_path: Path) -> None:
    answers = BEGINS + """case $* in *disks*) [ -e "$FOLDER/disk" ] ;; esac"""
    said = stepped(tmp_path, "provision_before_root ''", answers=answers, shell=f"touch {tmp_path}/disk")
    assert said[2:] == [
        "agent ignition -platform qemu -log-to-stdout -stage kargs,disks",
        "agent first-boot failure -stage kargs,disks",
        "shell",
        "agent ignition -platform qemu -log-to-stdout -stage kargs,disks",
    ]


def test_whoever_removes_the_mark_goes_on_without_being_provisioned(tmp_path: Path) -> None:
    said = stepped(
        tmp_path, "provision_before_root ''; provision_in_root /root",
        answers=BEGINS + "case $* in *fetch*) return 1 ;; esac", shell=f"rm {tmp_path}/first-boot",
    )  # fmt: skip
    assert said[1:] == [
        "agent ignition -platform qemu -log-to-stdout -stage fetch-offline",
        "agent first-boot failure -stage fetch-offline",
        "shell",
    ]


def test_what_ipconfig_says_of_name_servers_is_written_down(tmp_path: Path) -> None:
    answer = tmp_path / "net-ens3.conf"
    answer.write_text("DEVICE='ens3'\nIPV4DNS0='10.0.2.3'\nIPV4DNS1='0.0.0.0'\nDNSDOMAIN='example.org'\n")
    text = (FOLDER / "shared/steps").read_text().replace("/run/provision/network", f"{tmp_path}/network")
    (tmp_path / "steps").write_text(text)
    for is_ours, noted in (("now", "ens3\n"), ("", "\n")):
        (tmp_path / "network").unlink(missing_ok=True)
        done = run("sh", "-euc", f'. {tmp_path}/steps; provision_servers {answer} "{is_ours}"')
        assert done.stdout == "nameserver 10.0.2.3\nsearch example.org\n"
        assert (tmp_path / "network").read_text() == noted


@pytest.mark.parametrize(
    ("machine_id", "is_provisioned", "is_mounted"),
    [
        (None, True, True),
        ("uninitialized\n", True, True),
        ("", True, False),
        ("0123456789abcdef0123456789abcdef\n", True, False),
        (None, False, False),
    ],
)
def test_the_root_is_left_writable_until_systemd_has_had_its_first_boot(
    machine_id: str | None, is_provisioned: bool, is_mounted: bool, tmp_path: Path
) -> None:
    (tmp_path / "etc").mkdir()
    if machine_id is not None:
        (tmp_path / "etc/machine-id").write_text(machine_id)
    if is_provisioned:
        (tmp_path / "etc/.ignition-result.json").touch()
    (tmp_path / "mount").write_text('#!/bin/sh\necho "mount $*"\n')
    (tmp_path / "mount").chmod(0o755)
    done = run("sh", FOLDER / "shared/leave-writable", tmp_path, PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"mount -o remount,rw {tmp_path}\n" * is_mounted


# ---- hooks -----------------------------------------------------------------------------------------------------------

INITRAMFS_TOOLS = """
copy_exec() { mkdir -p "$DESTDIR$(dirname "${2:-$1}")"; cp "$1" "$DESTDIR${2:-$1}"; }
copy_file() { copy_exec "$2"; }
manual_add_modules() { echo "$@" >>"$DESTDIR/modules"; }
auto_add_modules() { echo "auto $*" >>"$DESTDIR/modules"; }
"""


def test_the_hook_of_initramfs_tools_fills_the_tree(tmp_path: Path) -> None:
    tree, own, programs = tmp_path / "tree", tmp_path / "own", tmp_path / "programs"
    for folder in (tree, own, tree / "usr/bin", programs):
        folder.mkdir(parents=True, exist_ok=True)
    (tmp_path / "functions").write_text(INITRAMFS_TOOLS)
    (own / "programs").write_text("# what is needed\ncat\nsort\nmissing-program\n-other-missing-program\n")
    for name in ("first-boot-asked", "leave-writable", "steps"):
        shutil.copy(FOLDER / "shared" / name, own)
    (tmp_path / "agent").write_text('#!/bin/sh\necho "$@" >"$3/packed"\n')
    (tmp_path / "agent").chmod(0o755)
    # Another program of that name is there already, as from busybox.
    (tree / "usr/bin/cat").write_text("other")
    done = run(
        "sh", FOLDER / "initramfs-tools/hooks/provision", DESTDIR=str(tree), MODULES="dep",
        PROVISION_HOOK_FUNCTIONS=str(tmp_path / "functions"), PROVISION_FOLDER=str(own), PROVISION_AGENT=str(tmp_path / "agent"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == "W: provision: not installed, so configs cannot use it in a first boot: missing-program\n"
    assert (tree / "packed").read_text() == f"pack --destination {tree}\n"
    assert (tree / "usr/bin/cat").read_text() == "other"
    assert (tree / "usr/lib/provision/bin/cat").read_bytes() == Path("/usr/bin/cat").read_bytes()
    assert (tree / "usr/bin/sort").exists()
    assert os.access(tree / "usr/lib/provision/first-boot-asked", os.X_OK)
    modules = (tree / "modules").read_text().split()
    assert {"btrfs", "xfs", "vfat", "raid1", "dm_crypt", "qemu_fw_cfg", "virtio_net", "auto"} <= set(modules)


def test_the_hook_fails_where_the_agent_does(tmp_path: Path) -> None:
    (tmp_path / "functions").write_text(INITRAMFS_TOOLS)
    (tmp_path / "agent").write_text("#!/bin/sh\nexit 3\n")
    (tmp_path / "agent").chmod(0o755)
    for agent, message in (
        ("agent", "the agent could not be packed"),
        ("none", "is missing; run: provision initramfs install"),
    ):
        done = run(
            "sh", FOLDER / "initramfs-tools/hooks/provision", DESTDIR=str(tmp_path), PROVISION_FOLDER=str(tmp_path),
            PROVISION_HOOK_FUNCTIONS=str(tmp_path / "functions"), PROVISION_AGENT=str(tmp_path / agent),
        )  # fmt: skip
        assert done.returncode == 1
        assert message in done.stderr


@pytest.mark.parametrize(
    "path", [path for path in SCRIPTS if "initramfs-tools" in str(path) and path.name == "provision"], ids=named
)
def test_scripts_of_initramfs_tools_say_what_goes_before(path: Path) -> None:
    done = run("sh", path, "prereqs")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"[\w -]*\n", done.stdout)


DRACUT = """
check_only() { :; }
inst_multiple() { echo "inst_multiple $*"; }
inst_simple() { echo "inst_simple $*"; }
inst_script() { echo "inst_script $*"; }
inst_dir() { echo "inst_dir $*"; }
inst_rules() { echo "inst_rules $*"; }
inst_hook() { echo "inst_hook $*"; }
inst_libdir_file() { echo "inst_libdir_file $*"; }
instmods() { echo "instmods $*"; }
find_binary() { command -v "$1"; }
ln_r() { echo "ln_r $*"; }
dwarn() { echo "warn $*"; }
derror() { echo "error $*"; }
dfatal() { echo "fatal $*"; }
moddir=$MODDIR initdir=$TREE dracutsysrootdir=$ROOT systemdsystemunitdir=/usr/lib/systemd/system
systemdutildir=/usr/lib/systemd udevdir=/usr/lib/udev
. "$MODDIR/module-setup.sh"
"""


def test_the_module_of_dracut_installs_all_that_it_has(tmp_path: Path) -> None:
    root, tree = tmp_path / "root", tmp_path / "tree"
    for path in ("usr/bin", "usr/lib/provision", "etc", "usr/lib/systemd"):
        (root / path).mkdir(parents=True)
    tree.mkdir()
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nsystemd-network:x:998:998::/:/usr/sbin/nologin\n")
    (root / "etc/group").write_text("systemd-network:x:998:\n")
    (tree / "etc").mkdir()
    (root / "usr/lib/provision/programs").write_text("# a comment\ncat\nmissing-program\n-other-missing-program\n")
    for name in ("usr/bin/provision-agent", "usr/lib/systemd/systemd-networkd"):
        (root / name).write_text('#!/bin/sh\necho "agent $*"\n')
        (root / name).chmod(0o755)
    module = FOLDER / "dracut"
    done = run(
        "bash", "-c", DRACUT + "check && depends && installkernel && install", MODDIR=str(module), TREE=str(tree), ROOT=str(root)
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    said = done.stdout.splitlines()
    assert said[0] == "systemd"
    assert f"agent pack --destination {tree}" in said
    assert "warn provision: missing-program is not installed, so configs cannot use it in a first boot" in said
    assert "inst_multiple -o other-missing-program" in said
    for shipped in module.iterdir():
        assert shipped.name == "module-setup.sh" or any(str(shipped) in line.split() for line in said), shipped
    assert (tree / "etc/passwd").read_text() == "systemd-network:x:998:998::/:/usr/sbin/nologin\n"


def test_the_module_of_dracut_is_left_out_without_the_agent(tmp_path: Path) -> None:
    done = run("bash", "-c", DRACUT + "check", MODDIR=str(FOLDER / "dracut"), TREE=str(tmp_path), ROOT=str(tmp_path))
    assert done.returncode == 1
    assert "is missing; run: provision initramfs install" in done.stdout


MKINITCPIO = """
add_binary() { echo "add_binary $*"; }
add_file() { echo "add_file $*"; }
add_full_dir() { echo "add_full_dir $*"; }
add_module() { echo "add_module $*"; }
add_checked_modules() { echo "add_checked_modules $*"; }
add_runscript() { echo add_runscript; }
map() { local act=$1; shift; for each; do "$act" "$each"; done; }
error() { echo "error $*"; }
warning() { echo "warning $*"; }
. "$FILE"
"""


def test_the_hook_of_mkinitcpio_says_what_it_is_and_fails_without_the_agent(tmp_path: Path) -> None:
    file = FOLDER / "mkinitcpio/install/provision"
    done = run("bash", "-c", MKINITCPIO + "help; build", FILE=str(file), BUILDROOT=str(tmp_path))
    assert "Provisions the machine at its first boot" in done.stdout
    if not os.path.exists("/usr/bin/provision-agent"):
        assert done.returncode == 1
        assert "error provision: the agent could not be packed" in done.stdout


ASH = """
launch_interactive_shell() { echo shell; }
resolve_device() { echo "/dev/of-$1"; }
mount() { echo "mount $*"; }
root=LABEL=root rwopt=ro
"""


def test_the_hooks_of_mkinitcpio_run_the_steps(tmp_path: Path) -> None:
    text = (FOLDER / "mkinitcpio/hooks/provision").read_text().replace(". /usr/lib/provision/steps", STAGES)
    (tmp_path / "hook").write_text(text)
    (tmp_path / "answers").write_text(BEGINS)
    act = f"{ASH}. {tmp_path}/hook; provision_asked() {{ echo asked $*; }}; run_hook; run_latehook"
    done = run("sh", "-euc", act, STEPS=str(FOLDER / "shared/steps"), FOLDER=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "asked /dev/of-LABEL=root",
        "agent first-boot begin -log-to-stdout -device /dev/of-LABEL=root",
        "agent ignition -platform qemu -log-to-stdout -stage fetch-offline",
        "agent ignition -platform qemu -log-to-stdout -stage kargs,disks",
        "mount -o remount,rw /new_root",
        "agent ignition -platform qemu -log-to-stdout -stage mount,files,umount -root /new_root",
        "agent first-boot end -log-to-stdout -root /new_root",
    ]


# ---- in the running system -------------------------------------------------------------------------------------------


def early_boot(folder: Path, step: str, *, network: bool = False, fails: str = "", job: str = "77") -> list[str]:
    """What the script of the running system calls; `fails` is a word of the call that fails."""
    (folder / "bin").mkdir()
    programs = {
        "provision-agent": f"""
            echo "agent $*" >>{folder}/said
            case "$*" in *begin*) echo "PLATFORM_ID='qemu'" >{folder}/first-boot ;; esac
            case "$*" in *"{fails or "nothing fails"}"*) exit 1 ;; esac
            case "$*" in *fetch-offline*) {f"touch {folder}/neednet" if network else ":"} ;; esac""",
        "systemctl": f"""
            case $* in show*) echo {job} ;; list-units*) echo "local-fs.target loaded" ;; *is-active*) exit 3 ;;
            *) echo "systemctl $*" >>{folder}/said ;; esac""",
        "udevadm": ":",
    }
    for name, text in programs.items():
        (folder / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / "bin" / name).chmod(0o755)
    text = (FOLDER / "systemd/first-boot").read_text()
    for place, other in (
        ("/usr/bin/provision-agent", f"{folder}/bin/provision-agent"), ("/run/provision/first-boot", f"{folder}/first-boot"),
        ("/run/ignition/neednet", f"{folder}/neednet"), ("/etc/hostname", f"{folder}/hostname"),
    ):  # fmt: skip
        text = text.replace(place, other)
    (folder / "script").write_text(text)
    done = run("sh", folder / "script", step, PATH=f"{folder}/bin:{os.environ['PATH']}")
    assert (done.returncode == 0, done.stderr) == (not fails, "")
    return (folder / "said").read_text().splitlines()


FINISHING = [
    "agent ignition -platform qemu -root / -stage kargs,disks,mount,files,umount",
    "agent first-boot end -root /",
    "systemctl daemon-reload",
]
STARTING = ["systemctl --no-block start default.target", "systemctl --quiet --no-block start local-fs.target"]


def test_the_running_system_is_provisioned_and_starts_what_is_new(tmp_path: Path) -> None:
    assert early_boot(tmp_path, "early") == [
        "agent first-boot begin -root /",
        "agent ignition -platform qemu -root / -stage fetch-offline",
        *FINISHING, *STARTING,
    ]  # fmt: skip


def test_a_rescue_shell_stays_one(tmp_path: Path) -> None:
    assert early_boot(tmp_path, "early", job="")[2:] == FINISHING


def test_what_needs_the_network_waits_for_it(tmp_path: Path) -> None:
    assert early_boot(tmp_path, "early", network=True)[2:] == [
        "systemctl --no-block start provision-first-boot-network.service"
    ]


def test_with_the_network_it_goes_on(tmp_path: Path) -> None:
    (tmp_path / "first-boot").write_text("PLATFORM_ID='qemu'\n")
    assert early_boot(tmp_path, "network") == [
        "agent ignition -platform qemu -root / -stage fetch", *FINISHING, *STARTING,
    ]  # fmt: skip


def test_a_failure_in_the_running_system_is_shown(tmp_path: Path) -> None:
    assert early_boot(tmp_path, "early", fails="kargs")[2:] == [
        FINISHING[0], "agent first-boot failure -stage kargs,disks,mount,files,umount"
    ]  # fmt: skip
