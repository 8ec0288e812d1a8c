"""What a volume is bound to with Clevis. Source: Ignition, `internal/exec/stages/disks/luks.go`."""

from provision.ignition import Clevis


def is_bound(clevis: Clevis | None) -> bool:
    """Whether a volume is bound to anything. Source: Ignition, `config/v3_7_experimental/types/clevis.go`, IsPresent."""
    if clevis is None:
        return False
    pin = clevis.custom.pin if clevis.custom is not None else None
    return bool(pin or clevis.tang or clevis.tpm2 or clevis.threshold)


def needs_network(clevis: Clevis | None) -> bool:
    """Whether unlocking a volume needs the network."""
    if clevis is None:
        return False
    custom = clevis.custom
    return bool(clevis.tang) or bool(custom is not None and custom.pin and custom.needs_network)


def pin_of(clevis: Clevis) -> tuple[str, str]:
    """The pin and its config. Several pins share the secret: source: clevis-encrypt-sss(1)."""
    if clevis.custom is not None and clevis.custom.pin:
        return clevis.custom.pin, clevis.custom.config or ""
    import json

    pins: dict[str, object] = {}
    if clevis.tang:
        pins["tang"] = [
            {"url": tang.url, "thp": tang.thumbprint}
            | ({"adv": json.loads(tang.advertisement)} if tang.advertisement else {})
            for tang in clevis.tang
        ]
    if clevis.tpm2:
        pins["tpm2"] = {}
    return "sss", json.dumps({"pins": pins, "t": threshold(clevis)}, separators=(",", ":"))


def threshold(clevis: Clevis) -> int:
    """How many pins unlock the volume."""
    return 1 if clevis.threshold is None else clevis.threshold


def can_be_tried(clevis: Clevis) -> bool:
    """Whether enough of the pins are within reach now: a server with an advertisement need not be."""
    reachable = sum(not tang.advertisement for tang in clevis.tang) + bool(clevis.tpm2)
    return reachable >= threshold(clevis)
