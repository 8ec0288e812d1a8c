"""The machines whose first boot is cut off, as data: disks, config, and what is on the disks before."""

import base64
import gzip
import json
from typing import Any, NamedTuple
from urllib.parse import quote

Json = dict[str, Any]
A, B = "/dev/vdb", "/dev/vdc"


class Story(NamedTuple):
    """One machine. `disks`: MiB by serial number. `prepare`: a script that fills the disks before the first boot."""

    name: str
    disks: dict[str, int]
    config: Json
    mounts: dict[str, str]
    volumes: dict[str, str]
    root: str
    label: str = "root"
    prepare: str = ""
    random: tuple[str, ...] = ()
    www: tuple[tuple[str, bytes], ...] = ()
    # A script that does what an initramfs does before the applier's turn, such as opening a volume that is there already.
    before: str = ""
    # Bytes of a sector of the disks.
    sector: int = 512
    # Devices that the disks are seen through, each with its table for device-mapper.
    slices: tuple[tuple[str, str], ...] = ()
    # What the kernel command line says; without a word of a first boot the stamp on the boot partition asks for it.
    words: str = "ignition.platform.id=file provision.firstboot"

    @property
    def names(self) -> list[str]:
        """The serial numbers, in the order of the disks."""
        return list(self.disks)

    def files(self) -> dict[str, bytes]:
        """What the guest finds in /vm/powercut."""
        about = {
            "disks": self.names, "root": self.root, "mounts": self.mounts, "volumes": self.volumes,
            "slices": dict(self.slices),
            "random": self.random, "known": json.dumps(self.config) + self.prepare,
        }  # fmt: skip
        return {
            "config.ign": json.dumps(self.config).encode(), "story.json": json.dumps(about).encode(),
            "prepare": self.prepare.encode(), "before": self.before.encode(), **{f"www/{path}": content for path, content in self.www},
        }  # fmt: skip


def data(text: str) -> Json:
    """A resource with its text in it."""
    return {"source": "data:," + quote(text)}


def packed(content: bytes) -> Json:
    """A resource with its bytes in it, compressed."""
    return {
        "source": "data:;base64," + base64.b64encode(gzip.compress(content, mtime=0)).decode(),
        "compression": "gzip",
    }


def filesystem(device: str, format: str, path: str = "", **more: object) -> Json:
    """A row of storage.filesystems."""
    return {"device": device, "format": format, **({"path": path} if path else {}), **more}


def part(label: str) -> str:
    """A partition by its name."""
    return f"/dev/disk/by-partlabel/{label}"


# Enough to be written in several requests, and no two blocks alike.
BIG = b"".join(b"%015d\n" % number for number in range(1 << 16))
SWAP_TYPE, ESP_TYPE = "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F", "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
RAID_TYPE, DATA_TYPE = "A19D880F-05FC-4D3B-A006-743F0F84911E", "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
HASH = "$6$powercut$PBIVNaVrQkdQOf1cC2BklmU2tw3zQqZIrMmWnL0dNC7e5xv8QEpb6xVgYbOUZQn1E9LuD/Z0WQiK5B2hLkB6I/"
KEYS = [
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5m3T1XnAfZt0h0m0v9v0mBqL9kPBq6c3vM0cL2mJxY one@example",
    "ssh-rsa AAAAB3Nza two@example",
]

BLANK = Story(
    "blank",
    {"a": 640, "b": 448},
    {
        "ignition": {"version": "3.4.0"},
        "storage": {
            "disks": [
                {
                    "device": A,
                    "wipeTable": True,
                    "partitions": [
                        {"number": 1, "label": "root-1", "sizeMiB": 96, "typeGuid": RAID_TYPE},
                        {"number": 2, "label": "swap", "sizeMiB": 16, "typeGuid": SWAP_TYPE},
                        {"number": 3, "label": "secret", "sizeMiB": 48},
                        {"number": 4, "label": "var", "sizeMiB": 320, "guid": "6A3F4C1E-58A2-4E0B-9C55-0D6C1B7A9E41"},
                    ],
                },
                {
                    "device": B,
                    "partitions": [
                        {"number": 1, "label": "root-2", "sizeMiB": 96, "typeGuid": RAID_TYPE},
                        {"number": 2, "label": "esp", "sizeMiB": 40, "typeGuid": ESP_TYPE},
                        {"number": 3, "label": "vault", "sizeMiB": 48},
                        {"number": 4, "label": "pool", "sizeMiB": 128},
                        {"label": "rest"},
                    ],
                },
            ],
            "raid": [{"name": "root", "level": "raid1", "devices": [part("root-1"), part("root-2")]}],
            "luks": [
                {"name": "secret", "device": part("secret"), "label": "secret", "keyFile": data("open sesame")},
                {"name": "vault", "device": part("vault"), "wipeVolume": True},
            ],
            "filesystems": [
                filesystem("/dev/md/root", "ext4", "/", label="root", wipeFilesystem=True),
                filesystem(part("swap"), "swap", label="swap"),
                filesystem("/dev/mapper/secret", "ext4", "/srv/secret", label="secret"),
                filesystem(part("var"), "xfs", "/var", uuid="1c9e2f6a-7d34-4b61-8a05-3e2c8d7f9b10", wipeFilesystem=True),
                filesystem(part("esp"), "vfat", "/boot/efi", label="ESP"),
                filesystem("/dev/mapper/vault", "ext4", "/srv/vault", wipeFilesystem=True),
                filesystem(part("pool"), "btrfs", "/srv/pool", label="pool"),
            ],
            "directories": [
                {"path": "/opt/app/etc", "mode": 0o750, "user": {"id": 1000}, "group": {"id": 1001}},
                {"path": "/var/lib/app", "mode": 0o2775},
            ],
            "files": [
                {"path": "/etc/hostname", "mode": 0o644, "contents": data("blank\n")},
                {"path": "/etc/motd", "mode": 0o600, "append": [data("one\n"), data("two\n")]},
                {"path": "/usr/share/big", "mode": 0o444, "contents": packed(BIG)},
                {"path": "/var/lib/app/data", "mode": 0o640, "user": {"id": 1000}, "contents": packed(BIG[: 1 << 18])},
                {"path": "/var/lib/app/log", "append": [data("begun\n")]},
                {"path": "/srv/secret/note", "mode": 0o400, "contents": data("nobody knows\n")},
                {"path": "/srv/vault/note", "mode": 0o400, "contents": data("nobody at all\n")},
                {"path": "/srv/pool/a/b/c", "contents": data("deep\n")},
                {"path": "/boot/efi/EFI/debian/grub.cfg", "contents": data("# nothing\n")},
            ],
            "links": [
                {"path": "/etc/localtime", "target": "../usr/share/zoneinfo/UTC"},
                {"path": "/usr/share/big-too", "target": "/usr/share/big", "hard": True},
                {"path": "/opt/app/current", "target": "/opt/app/etc", "user": {"id": 1000}, "group": {"id": 1001}},
            ],
        },
        "systemd": {
            "units": [
                {"name": "app.service", "enabled": True, "contents": "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"},
                {"name": "old.service", "enabled": False},
                {"name": "masked.service", "mask": True},
                {"name": "app.service.d.service", "dropins": [{"name": "10-more.conf", "contents": "[Service]\nUser=1000\n"}]},
            ]
        },
    },
    mounts={
        "/srv/secret": "/dev/mapper/secret", "/srv/vault": "/dev/mapper/vault", "/var": part("var"),
        "/boot/efi": part("esp"), "/srv/pool": part("pool"),
    },
    volumes={"secret": part("secret"), "vault": part("vault")},
    root="/dev/disk/by-label/root",
    random=("/etc/luks/vault",),
)  # fmt: skip

# A small Debian: what the programs for users need of it, and what the config meets.
TREE = """
sgdisk --clear --disk-guid=2B0E1F7C-94D5-4C0A-A1B8-55E0F1D5C301 \\
  --new=1:2048:+8M --change-name=1:boot --partition-guid=1:7D1A6B52-0E8C-49F3-B7C4-6A90D2E3F501 \\
  --new=2:20480:+160M --change-name=2:root --partition-guid=2:7D1A6B52-0E8C-49F3-B7C4-6A90D2E3F502 /dev/vdb
udevadm settle
mkfs.vfat -n BOOT -i 5EED0001 /dev/vdb1  # 5EED-0001
mkfs.ext4 -q -m 0 -L root -U 4f0c1a52-9d0b-4a7e-8f60-2b1d3c4e5f02 /dev/vdb2
mkfs.ext4 -q -L old -U 4f0c1a52-9d0b-4a7e-8f60-2b1d3c4e5f03 /dev/vdc
mount /dev/vdc /mnt
echo old > /mnt/old
umount /mnt
mount /dev/vdb1 /mnt
touch /mnt/provision.firstboot
umount /mnt
mount /dev/vdb2 /mnt
"""
DEBIAN = """
cd /mnt
mkdir -p etc/default usr/bin usr/sbin var/lib home root tmp dev proc sys run opt srv boot/efi bin lib sbin usr/lib/systemd/system
for each in passwd shadow group gshadow subuid subgid login.defs default/useradd shells pam.d skel security nsswitch.conf; do
  if [ -e /vm/lower/etc/$each ]; then cp -a /vm/lower/etc/$each etc/$(dirname $each)/; fi
done
chmod 1777 tmp
chmod 700 root
useradd --root /mnt --create-home --uid 1500 --comment 'Old Hand' --shell /bin/sh hand
groupadd --root /mnt --gid 1600 wheel
useradd --root /mnt --uid 1700 --create-home leaver
echo 'what was there' > etc/motd
echo '127.0.0.1 localhost' > etc/hosts
mkdir -p etc/app.conf/d opt/tool
echo old > etc/app.conf/d/10-old
echo old > opt/tool/version
ln -s /opt/tool opt/current
echo '[Service]' > usr/lib/systemd/system/old.service
echo '[Install]' >> usr/lib/systemd/system/old.service
echo 'WantedBy=multi-user.target' >> usr/lib/systemd/system/old.service
cd /
umount /mnt
"""

EXISTING = Story(
    "existing",
    {"a": 448, "b": 96},
    {
        "ignition": {"version": "3.4.0"},
        "passwd": {
            "groups": [{"name": "app", "gid": 1800}, {"name": "wheel", "gid": 1601}],
            "users": [
                {"name": "hand", "groups": ["wheel"], "shell": "/bin/bash", "passwordHash": HASH, "sshAuthorizedKeys": KEYS[:1]},
                {"name": "app", "uid": 1801, "primaryGroup": "app", "homeDir": "/srv/app", "passwordHash": HASH, "sshAuthorizedKeys": KEYS},
                {"name": "plain", "noCreateHome": True, "system": True},
                {"name": "leaver", "shouldExist": False},
            ],
        },
        "storage": {
            "disks": [{"device": A, "partitions": [{"number": 3, "label": "data", "sizeMiB": 96, "typeGuid": DATA_TYPE}, {"label": "swap", "sizeMiB": 8}]}],
            "filesystems": [
                filesystem(part("data"), "ext4", "/srv", label="data"),
                filesystem(B, "ext4", "/var/lib/fresh", label="fresh", wipeFilesystem=True),
                filesystem(part("boot"), "vfat", "/boot/efi", label="BOOT"),
                filesystem(part("swap"), "swap"),
            ],
            "directories": [{"path": "/opt/tool", "overwrite": True, "mode": 0o711}, {"path": "/srv/www", "user": {"name": "app"}, "group": {"name": "app"}}],
            "files": [
                {"path": "/etc/motd", "append": [data("and what is new\n"), {"source": "http://files.example/more"}]},
                {"path": "/etc/hosts", "overwrite": True, "contents": data("127.0.0.1 existing localhost\n")},
                {"path": "/etc/app.conf", "overwrite": True, "mode": 0o640, "group": {"name": "app"}, "contents": data("new = 1\n")},
                {"path": "/srv/www/index.html", "user": {"name": "app"}, "contents": {"source": "http://files.example/index.html"}},
                {"path": "/var/lib/fresh/big", "contents": packed(BIG)},
                {"path": "/var/lib/fresh/list", "append": [data("first\n")]},
                {"path": "/boot/efi/config.txt", "contents": data("arm_64bit=1\n")},
                {"path": "/opt/new/deep/file", "mode": 0o755, "contents": {"source": "http://files.example/tool"}},
            ],
            "links": [{"path": "/opt/current", "overwrite": True, "target": "/opt/new"}, {"path": "/etc/mtab", "target": "/proc/mounts"}],
        },
        "systemd": {
            "units": [
                {"name": "old.service", "enabled": True, "dropins": [{"name": "10-app.conf", "contents": "[Service]\nExecStart=/opt/new/deep/file\n"}]},
                {"name": "new.timer", "enabled": True, "contents": "[Timer]\nOnBootSec=1\n[Install]\nWantedBy=timers.target\n"},
            ]
        },
    },
    mounts={"/srv": part("data"), "/var/lib/fresh": B, "/boot/efi": part("boot")},
    volumes={},
    root="/dev/disk/by-label/root",
    prepare=TREE + DEBIAN,
    words="ignition.platform.id=file",
    www=(("more", b"from afar\n"), ("index.html", b"<p>hello</p>\n" * 400), ("tool", BIG[: 1 << 19])),
)  # fmt: skip

# Sectors of 4096 bytes; partitions that stay, go and grow; the root in a volume on the disk that is partitioned.
SEALED = Story(
    "sealed",
    {"a": 400},
    {
        "ignition": {"version": "3.4.0"},
        "storage": {
            "disks": [
                {
                    "device": A,
                    "partitions": [
                        {"number": 2, "shouldExist": False, "wipePartitionEntry": True},
                        {"number": 3, "label": "grow", "sizeMiB": 40, "resize": True},
                        {"number": 5, "label": "sealed", "sizeMiB": 140, "guid": "6A3F4C1E-58A2-4E0B-9C55-0D6C1B7A9E55"},
                        {"number": 6, "label": "bulk", "sizeMiB": 60, "startMiB": 300},
                    ],
                }
            ],
            "luks": [{"name": "sealed", "device": part("sealed"), "label": "sealed", "keyFile": data("open sesame"), "discard": True}],
            "filesystems": [
                filesystem("/dev/mapper/sealed", "ext4", "/", label="root"),
                filesystem(part("keep"), "ext4", "/srv/keep", label="keep"),
                filesystem(part("grow"), "ext4", "/srv/grow"),
                filesystem(part("boot"), "vfat", "/boot/efi"),
                filesystem(part("bulk"), "vfat", "/srv/bulk", label="BULK"),
            ],
            "files": [
                {"path": "/etc/hostname", "contents": data("sealed\n")},
                {"path": "/usr/share/big", "contents": packed(BIG)},
                {"path": "/srv/keep/new", "contents": data("new\n")},
                {"path": "/srv/grow/old", "append": [data("more\n")]},
                {"path": "/srv/bulk/big", "contents": packed(BIG[: 1 << 18])},
                {"path": "/boot/efi/config.txt", "contents": data("arm_64bit=1\n")},
            ],
        },
    },
    mounts={"/srv/keep": part("keep"), "/srv/grow": part("grow"), "/boot/efi": part("boot"), "/srv/bulk": part("bulk")},
    volumes={"sealed": part("sealed")},
    root="/dev/disk/by-label/root",
    sector=4096,
    prepare="""
sgdisk --clear --disk-guid=2B0E1F7C-94D5-4C0A-A1B8-55E0F1D5C302 \\
  --new=1:1M:+16M --change-name=1:keep --partition-guid=1:7D1A6B52-0E8C-49F3-B7C4-6A90D2E3F511 \\
  --new=2:20M:+8M --change-name=2:gone --partition-guid=2:7D1A6B52-0E8C-49F3-B7C4-6A90D2E3F512 \\
  --new=3:30M:+20M --change-name=3:grow --partition-guid=3:7D1A6B52-0E8C-49F3-B7C4-6A90D2E3F513 \\
  --new=4:80M:+48M --change-name=4:boot --partition-guid=4:7D1A6B52-0E8C-49F3-B7C4-6A90D2E3F514 /dev/vdb
udevadm settle
mkfs.ext4 -q -L keep -U 4f0c1a52-9d0b-4a7e-8f60-2b1d3c4e5f11 /dev/vdb1
mkfs.ext4 -q -L gone -U 4f0c1a52-9d0b-4a7e-8f60-2b1d3c4e5f12 /dev/vdb2
mkfs.ext4 -q -U 4f0c1a52-9d0b-4a7e-8f60-2b1d3c4e5f13 /dev/vdb3
mkfs.vfat -i 5EED0002 /dev/vdb4  # 5EED-0002
for each in 1 3 4; do
  mount /dev/vdb$each /mnt
  echo was here > /mnt/old
  if [ $each = 4 ]; then touch /mnt/ignition.firstboot; fi
  umount /mnt
done
""",
    words="ignition.platform.id=file",
    before="echo -n 'open sesame' | cryptsetup luksOpen --key-file - /dev/disk/by-partlabel/sealed sealed",
)  # fmt: skip

# Devices that can be made to refuse what they are asked for; no partitions, for they would not be seen through them.
SLICES = (
    ("system", f"0 {160 << 11} linear {A} 2048"),
    ("data", f"0 {64 << 11} linear {A} {162 << 11}"),
    ("vol", f"0 {48 << 11} linear {B} 2048"),
    ("esp", f"0 {40 << 11} linear {B} {50 << 11}"),
)
SLICED = Story(
    "sliced",
    {"a": 228, "b": 92},
    {
        "ignition": {"version": "3.4.0"},
        "passwd": {"users": [{"name": "app", "uid": 1801, "homeDir": "/srv/data/app", "passwordHash": HASH, "sshAuthorizedKeys": KEYS}]},
        "storage": {
            "luks": [{"name": "secret", "device": "/dev/mapper/vol", "keyFile": data("open sesame"), "wipeVolume": True}],
            "filesystems": [
                filesystem("/dev/mapper/data", "ext4", "/srv/data", label="data", wipeFilesystem=True),
                filesystem("/dev/mapper/secret", "ext4", "/srv/secret", wipeFilesystem=True),
                filesystem("/dev/mapper/esp", "vfat", "/boot/efi", label="ESP"),
            ],
            "files": [
                {"path": "/etc/motd", "append": [data("and what is new\n")]},
                {"path": "/usr/share/big", "contents": packed(BIG)},
                {"path": "/srv/data/big", "contents": packed(BIG[: 1 << 19]), "user": {"name": "app"}},
                {"path": "/srv/secret/note", "mode": 0o400, "contents": data("nobody knows\n")},
                {"path": "/boot/efi/config.txt", "contents": data("arm_64bit=1\n")},
            ],
        },
        "systemd": {"units": [{"name": "app.service", "enabled": True, "contents": "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"}]},
    },
    mounts={"/srv/data": "/dev/mapper/data", "/srv/secret": "/dev/mapper/secret", "/boot/efi": "/dev/mapper/esp"},
    volumes={"secret": "/dev/mapper/vol"},
    root="/dev/disk/by-label/root",
    prepare="mkfs.ext4 -q -m 0 -L root -U 4f0c1a52-9d0b-4a7e-8f60-2b1d3c4e5f02 /dev/mapper/system; mount /dev/mapper/system /mnt" + DEBIAN,
    slices=SLICES,
)  # fmt: skip

STORIES = {story.name: story for story in (BLANK, EXISTING, SEALED, SLICED)}
# Those whose power is cut.
CUT = ("blank", "existing", "sealed")
