"""LUKS: volumes with each kind of key, those that are there already, and what the target needs to open them again.

The guest's cryptsetup derives keys in the cheapest way (in_guest/bin/cryptsetup); all else is real: a Tang server, a TPM.
"""

import json

import pytest
from vm_guest import Guest
from vm_scenarios import A, B, C, Json, Scenario, apply, check, play, rows, storage

UUID = "a5f6e2d1-3c4b-4f60-9f31-0b1c2d3e4f50"
ELSE = "b6a7f3e2-4d5c-4a71-8a42-1c2d3e4f5061"
WORD = {"source": "data:,secret-word"}
FILES = ("fetch", "disks", "files")

# What looks into volumes: opens DEVICE WORD, volume DEVICE PATTERN (in luksDump).
LOOK = """
opens() { printf %s "$2" | cryptsetup open --test-passphrase --key-file - "$1" || fail "$2 does not open $1"; }
volume() { cryptsetup luksDump "$1" | grep -qE "$2" || fail "$1 is not $2: $(cryptsetup luksDump "$1")"; }
"""
# A volume that was there before, closed.
OLD = (
    f"printf secret-word > key; cryptsetup luksFormat -q --type luks2 --label old --uuid {UUID} --key-file key {B}; "
    f"cryptsetup open --key-file key {B} before; mkfs.ext4 -q /dev/mapper/before; mark /dev/mapper/before; "
    "cryptsetup close before; udevadm settle"
)
IS_OLD = f"""
opens {B} secret-word; holds {B} crypto_LUKS UUID={UUID}
[ -b /dev/mapper/data ] || cryptsetup open --key-file key {B} data
marked /dev/mapper/data
"""


def luks(*, device: str = B, **more: object) -> Json:
    """A config with one volume."""
    return storage(luks=[{"name": "data", "device": device, **more}])


MADE = (
    Scenario(
        "a volume with a key file",
        luks(keyFile=WORD, label="vault", uuid=UUID),
        after=f"opens {B} secret-word; holds {B} crypto_LUKS LABEL=vault UUID={UUID}; test -b /dev/mapper/data",
    ),
    Scenario(
        "a key file in the target, and its line in crypttab",
        luks(keyFile=WORD, uuid=UUID),
        after=f"""
            content /sysroot/etc/crypttab 'data UUID={UUID} /etc/luks/data luks,x-initrd.attach'
            node /sysroot/etc/crypttab file 600 0:0
            node /sysroot/etc/luks directory 700 0:0
            node /sysroot/etc/luks/data file 600 0:0
            content /sysroot/etc/luks/data secret-word
            ! grep -q secret-word state ignition.json || fail 'the key lies in a file of the stages'
        """.replace("state ignition.json", "state"),
        stages=FILES,
    ),
    Scenario(
        "a random key that the target keeps",
        luks(),
        after=f"""
            [ "$(wc -c < /sysroot/etc/luks/data)" -ge 4096 ]
            cryptsetup open --test-passphrase --key-file /sysroot/etc/luks/data {B}
            node /sysroot/etc/luks/data file 600 0:0
            grep -q ' /etc/luks/data luks,x-initrd.attach$' /sysroot/etc/crypttab
        """,
        stages=FILES,
    ),
    Scenario(
        "options for making and for opening",
        luks(
            keyFile=WORD,
            options=["--cipher", "aes-cbc-essiv:sha256", "--key-size", "256"],
            openOptions=["--perf-no_read_workqueue"],
        ),
        after=f"volume {B} 'cipher:[[:space:]]*aes-cbc-essiv:sha256'; volume {B} 'Flags:[[:space:]]*no-read-workqueue'",
    ),
    Scenario(
        "discards where they are asked for",
        luks(keyFile=WORD, discard=True),
        after=f"volume {B} 'Flags:[[:space:]]*allow-discards'; dmsetup table data | grep -q allow_discards",
    ),
    Scenario(
        "no discards where they are not",
        luks(keyFile=WORD),
        after=f"! cryptsetup luksDump {B} | grep -q allow-discards; ! dmsetup table data | grep -q allow_discards",
    ),
    Scenario(
        "a file system on the volume, on an array, on partitions",
        storage(
            disks=[
                {"device": device, "partitions": [{"label": label, "number": 1, "sizeMiB": 400}]}
                for device, label in ((B, "half.1"), (C, "half.2"))
            ],
            raid=[
                {
                    "name": "pair",
                    "level": "raid1",
                    "devices": [f"/dev/disk/by-partlabel/half.{place}" for place in (1, 2)],
                }
            ],
            luks=[{"name": "data", "device": "/dev/md/pair", "keyFile": WORD, "label": "vault"}],
            filesystems=[{"device": "/dev/mapper/data", "format": "ext4", "label": "var"}],
        ),
        after="array /dev/md/pair raid1 2 0; holds /dev/md/pair crypto_LUKS LABEL=vault; holds /dev/mapper/data ext4 LABEL=var",
    ),
    Scenario(
        "a volume in place of a file system that may be wiped",
        luks(keyFile=WORD, wipeVolume=True),
        before=f"mkfs.btrfs -q {B}",
        after=f'opens {B} secret-word; [ "$(wipefs --noheadings {B} | grep -vc crypto_LUKS)" = 0 ]',
    ),
    Scenario(
        "a new volume in place of one that may be wiped",
        luks(keyFile={"source": "data:,other-word"}, wipeVolume=True),
        before=OLD,
        after=f"opens {B} other-word; ! opens {B} secret-word 2>/dev/null; holds /dev/mapper/data nothing",
    ),
    Scenario(
        "a volume that matches is opened and keeps its data",
        luks(keyFile=WORD, label="old", uuid=UUID),
        before=OLD,
        after=IS_OLD,
    ),
    Scenario(
        "a file system in a volume that matches is kept, too",
        storage(
            luks=[{"name": "data", "device": B, "keyFile": WORD}],
            filesystems=[{"device": "/dev/mapper/data", "format": "ext4"}],
        ),
        before=OLD,
        after=IS_OLD,
    ),
    Scenario(
        "two volumes",
        storage(
            luks=[
                {"name": "one", "device": B, "keyFile": WORD},
                {"name": "two", "device": C, "keyFile": {"source": "data:,other-word"}},
            ]
        ),
        after=f"""
            opens {B} secret-word; opens {C} other-word; test -b /dev/mapper/one; test -b /dev/mapper/two
            [ "$(cut -d' ' -f1 /sysroot/etc/crypttab | xargs)" = 'one two' ]
        """,
        stages=FILES,
    ),
    Scenario(
        "a line in crypttab after those that are there",
        luks(keyFile=WORD),
        before="mkdir -p /sysroot/etc; echo 'swap /dev/vda2 /dev/urandom swap' > /sysroot/etc/crypttab",
        after="[ \"$(cut -d' ' -f1 /sysroot/etc/crypttab | xargs)\" = 'swap data' ]",
        stages=FILES,
    ),
)

REFUSED = (
    Scenario(
        "a file system that may not be wiped",
        luks(keyFile=WORD),
        before=f"mkfs.ext4 -q {B}; mark {B}",
        after=f"marked {B}",
        fails=f"{B}.*ext4.*wipeVolume",
    ),
    Scenario(
        "a volume of version 1",
        luks(keyFile=WORD),
        before=f"printf secret-word > key; cryptsetup luksFormat -q --type luks1 --key-file key {B}",
        after=f"opens {B} secret-word",
        fails=f"{B}.*version 1.*wipeVolume",
    ),
    Scenario(
        "a volume that another key opens",
        luks(keyFile={"source": "data:,wrong-word"}),
        before=OLD,
        after=IS_OLD,
        fails="the config's key does not open it",
    ),
    Scenario(
        "a volume with another label", luks(keyFile=WORD, label="new"), before=OLD, after=IS_OLD, fails="label is 'old'"
    ),
    Scenario(
        "a volume with another UUID", luks(keyFile=WORD, uuid=ELSE), before=OLD, after=IS_OLD, fails=f"UUID is {UUID}"
    ),
    Scenario("a volume where the config has no key", luks(), before=OLD, after=IS_OLD, fails="no key file"),
    Scenario(
        "a volume where the config wants discards",
        luks(keyFile=WORD, discard=True),
        before=OLD,
        after=IS_OLD,
        fails="allow-discards flag is not set",
    ),
    Scenario(
        "a volume where the config wants Clevis",
        luks(keyFile=WORD, clevis={"tpm2": True}),
        before=OLD,
        after=IS_OLD,
        fails="Clevis",
    ),
    Scenario(
        "options that cryptsetup does not know",
        luks(keyFile=WORD, options=["--no-such-option"]),
        after=f"holds {B} nothing",
        fails="cryptsetup.*no-such-option",
    ),
    Scenario(
        "a key in the target that another volume left there",
        luks(keyFile=WORD),
        before="mkdir -p /sysroot/etc/luks; echo old > /sysroot/etc/luks/data",
        after="content /sysroot/etc/luks/data old",
        fails="/etc/luks/data",
        stages=FILES,
    ),
    Scenario(
        "a pin that there is none of",
        luks(clevis={"custom": {"pin": "nosuchpin", "config": "{}"}}),
        fails="clevis",
    ),
    Scenario(
        "a device that is mounted",
        luks(keyFile=WORD, wipeVolume=True),
        before=f"mkfs.ext4 -q {B}; mkdir -p /mnt/held; mount {B} /mnt/held; touch /mnt/held/mark",
        after="test -e /mnt/held/mark",
        fails=f"{B}.*in use",
    ),
)


@rows(*MADE)
def test_volumes(guest: Guest, scenario: Scenario) -> None:
    play(guest, with_look(scenario))


@rows(*REFUSED)
def test_volumes_are_refused_for(guest: Guest, scenario: Scenario) -> None:
    play(guest, with_look(scenario))


def with_look(scenario: Scenario) -> Scenario:
    """The scenario with this module's own checks at hand."""
    return scenario._replace(after=LOOK + scenario.after) if scenario.after else scenario


# ---- Clevis ---------------------------------------------------------------------------------------------------------


class Tang:
    """A Tang server in the guest."""

    url = "http://tang.example:7500"

    def __init__(self, guest: Guest) -> None:
        guest.do("serve-tang")
        self.thumbprint = guest.read("/vm/tang.thp").decode().strip()
        self.advertisement = guest.read("/vm/tang.adv").decode()

    def pin(self, **more: str) -> Json:
        """What a config says of the server."""
        return {"url": self.url, "thumbprint": self.thumbprint, **more}


@pytest.fixture
def tang(guest: Guest) -> Tang:
    """The server, listening."""
    return Tang(guest)


def bound(guest: Guest, clevis: Json) -> str:
    """Make a volume that is bound, and return what the applier said. Its random key is gone, and the pin alone opens it."""
    applied = apply(guest, luks(clevis=clevis), FILES)
    assert not applied.failed, applied.output
    check(
        guest,
        f"""
        [ "$(cryptsetup luksDump {B} | grep -c ': luks2$')" = 1 ] || fail "$(cryptsetup luksDump {B})"
        test -b /dev/mapper/data
        absent /sysroot/etc/luks
        cryptsetup close data
        clevis luks unlock -d {B} -n again
        test -b /dev/mapper/again
        """,
        applied.output,
    )
    return check(guest, "cat /sysroot/etc/crypttab").partition("UUID=")[2].partition(" ")[2]


def test_a_volume_is_bound_to_the_tpm(guest: Guest) -> None:
    assert bound(guest, {"tpm2": True}) == "none luks,x-initrd.attach"


def test_a_volume_is_bound_to_a_tang_server(guest: Guest, tang: Tang) -> None:
    assert bound(guest, {"tang": [tang.pin()]}) == "none luks,_netdev,x-initrd.attach"


def test_a_tang_server_that_gave_its_advertisement_need_not_be_there(guest: Guest, tang: Tang) -> None:
    guest.reset()
    applied = apply(guest, luks(clevis={"tang": [tang.pin(advertisement=tang.advertisement)]}), FILES)
    assert not applied.failed, applied.output
    guest.do("serve-tang")
    check(guest, f"test -b /dev/mapper/data; cryptsetup close data; clevis luks unlock -d {B} -n again", applied.output)


def test_a_threshold_of_two_needs_the_tpm_and_the_server(guest: Guest, tang: Tang) -> None:
    assert bound(guest, {"tpm2": True, "tang": [tang.pin()], "threshold": 2}) == "none luks,_netdev,x-initrd.attach"
    guest.do("kill $(cat /tmp/tang.pid); cryptsetup close again")
    assert guest.run(f"clevis luks unlock -d {B} -n alone").status
    assert guest.run("test -b /dev/mapper/alone").status


def test_a_pin_of_the_authors_own_needs_the_network_where_he_says_so(guest: Guest, tang: Tang) -> None:
    config = json.dumps({"url": tang.url, "thp": tang.thumbprint})
    custom = {"custom": {"pin": "tang", "config": config, "needsNetwork": True}}
    assert bound(guest, custom) == "none luks,_netdev,x-initrd.attach"


def test_a_volume_with_a_key_file_and_a_pin_opens_by_both(guest: Guest) -> None:
    applied = apply(guest, luks(clevis={"tpm2": True}, keyFile=WORD), FILES)
    assert not applied.failed, applied.output
    check(
        guest,
        f"{LOOK} opens {B} secret-word; cryptsetup close data; clevis luks unlock -d {B} -n again; "
        "grep -q ' none luks,x-initrd.attach$' /sysroot/etc/crypttab",
        applied.output,
    )


def test_a_server_with_another_thumbprint_is_refused(guest: Guest, tang: Tang) -> None:
    false = tang.thumbprint[:-1] + ("A" if tang.thumbprint[-1] != "A" else "E")
    applied = apply(guest, luks(clevis={"tang": [tang.pin() | {"thumbprint": false}]}), ("fetch", "disks"))
    assert applied.failed == "disks", applied.output
    assert "clevis" in applied.output
    assert guest.run(f"clevis luks list -d {B}").stdout == ""


def test_a_server_that_is_not_there_is_named(guest: Guest) -> None:
    config = luks(clevis={"tang": [{"url": "http://tang.example:7501", "thumbprint": "x"}]})
    config["ignition"] = {"timeouts": {"httpTotal": 3}}
    applied = apply(guest, config, ("fetch", "disks"))
    assert applied.failed == "disks", applied.output
    assert "http://tang.example:7501" in applied.output


def test_no_key_is_ever_shown(guest: Guest) -> None:
    """Neither in the log, nor in the arguments of any program, nor in a file that others may read."""
    spy = '#!/bin/sh\necho "$@" >> /scenario/arguments\nexec /vm/bin/cryptsetup "$@"\n'
    guest.write("/scenario/cryptsetup", spy, 0o755)
    environ = {"PROVISION_CRYPTSETUP": "/scenario/cryptsetup"}
    applied = apply(guest, luks(keyFile=WORD, device=A), FILES, environ=environ)
    assert not applied.failed, applied.output
    said = applied.output + check(
        guest,
        "cat arguments; find / /run /tmp -xdev -type f -perm /077 -newer config.ign -exec cat {} + 2> /dev/null || :",
    )
    assert "luksFormat" in said
    assert "secret-word" not in said.replace("data:,secret-word", "")
