"""Acts on encrypted volumes, by cryptsetup, clevis and zkey. Source: Ignition, `internal/exec/stages/disks/luks.go`.

Keys go to the programs in files that only root reads; no key stands in a command line.
"""

from provision.apply.devices import SUBSYSTEM
from provision.apply.operations.devices import DeviceAct, Devices
from provision.apply.paths import shown
from provision.apply.programs import secure_key_name
from provision.diagnostics import ProvisionError
from provision.ignition import Clevis, Resource
from provision.record import field


class VolumeAct(DeviceAct):
    """An act on one volume."""

    name: str = field(doc="Name of the opened volume.")
    device: str = field(doc="The device that holds it.")
    key_source: Resource = field(
        factory=Resource, secret=True, doc="Where the key comes from; none makes a random one."
    )
    is_cex: bool = field(default=False, doc="Whether a Crypto Express card keeps the volume's key.")


class FormatVolume(VolumeAct):
    """Make an encrypted volume; what the device held is given up."""

    label: str = field(default="", doc="Label in the header; empty for none.")
    uuid: str = field(default="", doc="UUID in the header; empty for a random one.")
    wipe: bool = field(default=False, doc="Whether what the device holds is taken away first.")
    options: tuple[str, ...] = field(default=(), doc="The author's options for luksFormat.")

    def describe(self) -> str:
        label = f", label {shown(self.label)}" if self.label else ""
        return f"encrypt {shown(self.device)} as {shown(self.name)}{label}"

    def execute(self, system: Devices) -> None:
        device = system.wait_for(self.device)
        if self.wipe:
            system.run("wipefs", "--all", device)
        with system.key_file(self.name, self.key_source, is_cex=self.is_cex) as key:
            card = secure_key(self.name, system) if self.is_cex else ()
            system.run(
                "cryptsetup", "luksFormat", "--batch-mode", "--type", "luks2", "--key-file", key,
                "--subsystem", SUBSYSTEM, *(("--label", self.label) if self.label else ()), *(("--uuid", self.uuid) if self.uuid else ()),
                *self.options, device, *card,
            )  # fmt: skip
            if self.is_cex:
                system.run("zkey-cryptsetup", "setvp", device, "--key-file", key)
                for ending in ("info", "skey"):
                    system.keep_secure_key(self.name, secure_key_name(self.name, ending))
        system.keep_key(self.name)


def secure_key(volume: str, system: Devices) -> tuple[str, ...]:
    """Have zkey make a secure key; the options that hand it to luksFormat."""
    queues = system.cca_queues()
    if not queues:
        raise ProvisionError("no CCA queue of a Crypto Express card is online; set one online, or take `cex` away")
    system.run(
        "zkey", "generate", "--name", f"ignition-luks-{volume}", "--key-type", "CCA-AESCIPHER", "--xts",
        "--description", f"Secure Key for {volume} Volume", "--apqns", ",".join(queues),
    )  # fmt: skip
    path = secure_key_name(volume, "skey")
    bits = system.size_of_secure_key(path) * 8
    return ("--volume-key-file", path, "--cipher", "paes-xts-plain64", "--key-size", str(bits))


class OpenVolume(VolumeAct):
    """Open a volume with its key. What it is opened with is kept in its header."""

    discard: bool = field(default=False, doc="Whether discards are passed through.")
    options: tuple[str, ...] = field(default=(), doc="The author's options for luksOpen.")
    reused: bool = field(default=False, doc="Whether the volume was there before.")

    def describe(self) -> str:
        return f"open {'the existing volume ' if self.reused else ''}{shown(self.device)} as {shown(self.name)}"

    def execute(self, system: Devices) -> None:
        device = system.wait_for(self.device)
        discard = ("--allow-discards",) if self.discard else ()
        with system.key_file(self.name, self.key_source, is_cex=self.is_cex) as key:
            try:
                if self.reused and system.exists(volume_path(self.name)):
                    system.keep_key(self.name)
                    return
                system.run(
                    "cryptsetup", "luksOpen", device, self.name, "--key-file", key, "--persistent", *discard, *self.options
                )  # fmt: skip
            except ProvisionError as error:
                if self.reused:
                    raise ProvisionError(
                        f"the volume is there already, and the config's key does not open it: {error}"
                    ) from None
                raise
        system.keep_key(self.name)
        system.settle(device)


class BindVolume(VolumeAct):
    """Bind an open volume to a Clevis pin; where the pin can be tried at once, close it and open it by the pin."""

    clevis: Clevis = field(factory=Clevis, secret=True, doc="The config's own words.")
    pin: str = field(doc="Name of the pin.")
    config: str = field(secret=True, doc="The pin's config, JSON.")
    is_tried: bool = field(default=False, doc="Whether the volume is opened by the pin to prove it.")
    drops_key: bool = field(default=False, doc="Whether the random key is taken away afterwards.")

    def describe(self) -> str:
        return f"bind {shown(self.device)} to the Clevis pin {shown(self.pin)}"

    def execute(self, system: Devices) -> None:
        system.check_reachable(self.clevis)
        device = system.wait_for(self.device)
        with system.key_file(self.name, self.key_source) as key:
            system.run("clevis", "luks", "bind", "-f", "-k", key, "-d", device, self.pin, self.config, secret=True)
            if self.is_tried:
                system.run("cryptsetup", "luksClose", self.name)
                system.run("clevis", "luks", "unlock", "-d", device, "-n", self.name)
            if self.drops_key:
                system.run("cryptsetup", "luksRemoveKey", "--batch-mode", device, key)
        system.settle(device)


class UnlockVolume(VolumeAct):
    """Open a volume that is bound to a Clevis pin by that pin."""

    clevis: Clevis = field(factory=Clevis, secret=True, doc="The config's own words.")

    def describe(self) -> str:
        return f"open {shown(self.device)} as {shown(self.name)} by its Clevis pin"

    def done(self, reader: Devices) -> bool:
        return reader.exists(volume_path(self.name))

    def execute(self, system: Devices) -> None:
        system.check_reachable(self.clevis)
        device = system.wait_for(self.device)
        system.run("clevis", "luks", "unlock", "-d", device, "-n", self.name)
        system.settle(device)


class FinishVolume(DeviceAct):
    """Take away the mark that a volume is unfinished."""

    name: str = field(doc="Name of the opened volume.")
    device: str = field(doc="The device that holds it.")
    label: str = field(default="", doc="Label in the header, which is set along with the mark.")

    def describe(self) -> str:
        return f"finish the volume {shown(self.name)} on {shown(self.device)}"

    def execute(self, system: Devices) -> None:
        # Without a subsystem the one that is there is taken away. Source: cryptsetup, lib/luks2/luks2_json_metadata.c.
        system.run("cryptsetup", "config", "--label", self.label, system.wait_for(self.device))


def volume_path(name: str) -> str:
    """The device of an open volume."""
    return f"/dev/mapper/{name}"
