"""Rules of encrypted volumes and of what unlocks them."""

from collections.abc import Iterator

from provision.ignition import Clevis, ClevisCustom, Luks, Tang
from provision.record import Spec
from provision.schema.rules import Finding, rule
from provision.schema.rules.labels import label_fault
from provision.schema.rules.urls import parse

KNOWN_PINS = ("tpm2", "tang", "sss")
LUKS2_LABEL_LIMIT = 47


@rule("PV330", "error", on=Luks)
def volume_name_has_no_slash(luks: Luks) -> Iterator[Finding]:
    """An encrypted volume's name has no slash.

    The opened volume appears as `/dev/mapper/NAME`. Source: Ignition 3.2.0, `storage.luks[].name`.

    Bad:
      storage:
        luks:
          - name: var/data
            device: /dev/vdb

    Good:
      storage:
        luks:
          - name: var-data
            device: /dev/vdb
    """
    if "/" in luks.name:
        yield Finding("name", f"the name `{luks.name}` has a slash", f"write {luks.name.strip('/').replace('/', '-')}")


@rule("PV331", "error", on=Luks)
def label_fits_luks(luks: Luks) -> Iterator[Finding]:
    """An encrypted volume's label takes at most 47 bytes.

    Source: LUKS2 on-disk format 1.1, 2.1: 48 bytes with the final zero; Ignition 3.2.0, `storage.luks[].label`.

    Bad:
      storage:
        luks:
          - name: data
            device: /dev/vdb
            label: a-label-that-is-longer-than-the-47-bytes-of-luks

    Good:
      storage:
        luks:
          - name: data
            device: /dev/vdb
            label: a-label-that-is-no-longer-than-what-luks-takes
    """
    fault = label_fault(luks.label, LUKS2_LABEL_LIMIT, "a LUKS2 header")
    if fault:
        yield Finding("label", fault, "shorten it")


def has_pins(clevis: Clevis) -> bool:
    """Whether Clevis is told more than a custom pin."""
    return bool(clevis.tang or clevis.tpm2 or clevis.threshold)


@rule("PV332", "error", on=Clevis)
def custom_pin_stands_alone(clevis: Clevis, at: Spec) -> Iterator[Finding]:
    """A custom Clevis pin is not combined with Tang, TPM2 or a threshold.

    The custom pin's own config says all of that. Source: Ignition 3.2.0, `storage.luks[].clevis.custom`.

    Bad:
      storage:
        luks:
          - name: data
            device: /dev/vdb
            clevis:
              tpm2: true
              custom:
                pin: tang
                config: '{"url": "https://tang.example.com"}'

    Good:
      storage:
        luks:
          - name: data
            device: /dev/vdb
            clevis:
              custom:
                pin: tang
                config: '{"url": "https://tang.example.com"}'
    """
    custom = clevis.custom
    # In spec 3.2 the section could be null, and its presence alone counted.
    if custom is not None and (custom.pin or at < (3, 3)) and has_pins(clevis):
        message = "a custom pin stands beside tang, tpm2 or threshold"
        yield Finding(None, message, "put them into the custom pin's config (pin sss), or leave custom out")


@rule("PV333", "error", on=Luks, since="3.5")
def cex_stands_alone(luks: Luks) -> Iterator[Finding]:
    """A volume whose key is in a CEX card has neither Clevis nor a key file.

    Source: Ignition 3.5.0, `storage.luks[].cex`.

    Bad:
      storage:
        luks:
          - name: data
            device: /dev/dasdb1
            cex:
              enabled: true
            clevis:
              tpm2: true

    Good:
      storage:
        luks:
          - name: data
            device: /dev/dasdb1
            cex:
              enabled: true
    """
    if not luks.cex.enabled:
        return
    clevis = luks.clevis
    if clevis is not None and (has_pins(clevis) or (clevis.custom is not None and clevis.custom.pin)):
        yield Finding("cex", "the volume is unlocked by a CEX card and by Clevis", "keep one of the two")
    if luks.key_file.source:
        yield Finding("cex", "the volume is unlocked by a CEX card and by a key file", "keep one of the two")


@rule("PV334", "error", on=ClevisCustom)
def custom_pin_is_whole(custom: ClevisCustom, at: Spec) -> Iterator[Finding]:
    """A custom Clevis pin has both a pin and a config.

    Source: Ignition 3.2.0, `storage.luks[].clevis.custom`.

    Bad:
      storage:
        luks:
          - name: data
            device: /dev/vdb
            clevis:
              custom:
                pin: tpm2

    Good:
      storage:
        luks:
          - name: data
            device: /dev/vdb
            clevis:
              custom:
                pin: tpm2
                config: "{}"
    """
    if not (custom.pin or custom.config or (custom.needs_network and at >= (3, 3))):
        return
    if not custom.pin:
        yield Finding("pin", "the custom Clevis pin has no pin", "name it: tpm2, tang or sss")
    if not custom.config:
        yield Finding("config", "the custom Clevis pin has no config", "write its JSON, {} where it needs none")


@rule("PV335", "error", on=ClevisCustom, until="3.6")
def custom_pin_is_known(custom: ClevisCustom) -> Iterator[Finding]:
    """A custom Clevis pin is tpm2, tang or sss; from Ignition 3.6.0 on it can be any.

    Source: Ignition 3.2.0, `storage.luks[].clevis.custom.pin`.

    Bad:
      storage:
        luks:
          - name: data
            device: /dev/vdb
            clevis:
              custom:
                pin: pkcs11
                config: "{}"

    Good:
      variant: fcos
      version: 1.7.0
      storage:
        luks:
          - name: data
            device: /dev/vdb
            clevis:
              custom:
                pin: pkcs11
                config: "{}"
    """
    if custom.pin and custom.pin not in KNOWN_PINS:
        message = f"`{custom.pin}` is not a pin that Ignition knows before 3.6.0"
        yield Finding("pin", message, "write tpm2, tang or sss, or use a release that targets Ignition 3.6.0")


@rule("PV336", "error", on=Tang)
def tang_is_asked_over_http(tang: Tang) -> Iterator[Finding]:
    """A Tang server has an http or https URL.

    Source: Ignition 3.2.0, `storage.luks[].clevis.tang[].url`.

    Bad:
      storage:
        luks:
          - name: data
            device: /dev/vdb
            clevis:
              tang:
                - url: tang.example.com
                  thumbprint: REPLACE-THIS-WITH-YOUR-TANG-THUMBPRINT

    Good:
      storage:
        luks:
          - name: data
            device: /dev/vdb
            clevis:
              tang:
                - url: https://tang.example.com
                  thumbprint: REPLACE-THIS-WITH-YOUR-TANG-THUMBPRINT
    """
    try:
        scheme = parse(tang.url).scheme
    except ValueError as reason:
        yield Finding("url", str(reason), "write http://HOST or https://HOST")
        return
    if scheme not in ("http", "https"):
        fault = f"a Tang server is not asked over {scheme}" if scheme else "the Tang server's URL has no scheme"
        yield Finding("url", fault, "write http://HOST or https://HOST")


@rule("PV337", "error", on=Tang)
def tang_has_a_thumbprint(tang: Tang) -> Iterator[Finding]:
    """A Tang server has the thumbprint of its key.

    Without it anyone who answers in the server's place gets to unlock the volume.
    Source: Ignition 3.2.0, `storage.luks[].clevis.tang[].thumbprint`.

    Bad:
      storage:
        luks:
          - name: data
            device: /dev/vdb
            clevis:
              tang:
                - url: https://tang.example.com
                  thumbprint: ""

    Good:
      storage:
        luks:
          - name: data
            device: /dev/vdb
            clevis:
              tang:
                - url: https://tang.example.com
                  thumbprint: REPLACE-THIS-WITH-YOUR-TANG-THUMBPRINT
    """
    if not tang.thumbprint:
        yield Finding("thumbprint", "the Tang server has no thumbprint", "run tang-show-keys on the server")


@rule("PV338", "error", on=Tang, since="3.4")
def advertisement_is_json(tang: Tang) -> Iterator[Finding]:
    """A Tang server's advertisement is JSON.

    Source: RFC 7517 (JSON Web Key); Ignition 3.4.0, `storage.luks[].clevis.tang[].advertisement`.

    Bad:
      storage:
        luks:
          - name: data
            device: /dev/vdb
            clevis:
              tang:
                - url: https://tang.example.com
                  thumbprint: REPLACE-THIS-WITH-YOUR-TANG-THUMBPRINT
                  advertisement: payload=abc

    Good:
      storage:
        luks:
          - name: data
            device: /dev/vdb
            clevis:
              tang:
                - url: https://tang.example.com
                  thumbprint: REPLACE-THIS-WITH-YOUR-TANG-THUMBPRINT
                  advertisement: '{"payload": "abc", "protected": "", "signature": ""}'
    """
    if tang.advertisement:
        fault = json_fault(tang.advertisement)
        if fault:
            yield Finding("advertisement", f"the advertisement is not JSON: {fault}", "fetch it from URL/adv")


def json_fault(text: str) -> str | None:
    """Why a text is not JSON, as Go's decoder has it; None where it is."""
    import json  # only a config with advertisements pays for it

    def number(digits: str) -> float:
        value = float(digits)
        if value in (float("inf"), float("-inf")):
            raise ValueError(f"{digits[:20]} is too large a number")
        return value

    def constant(word: str) -> object:
        raise ValueError(f"{word} is not a number in JSON")

    try:
        json.loads(text, parse_int=number, parse_float=number, parse_constant=constant)
    except RecursionError:
        return None  # deeper than Python reads, but not than Go does
    except ValueError as reason:
        return getattr(reason, "msg", str(reason))
    return None
