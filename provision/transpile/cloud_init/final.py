"""What happens when all is done. Source: cloud-init 25, modules phone_home, final_message, power_state_change."""

import re

from provision.schema.cloud_init.services import PhoneHome, PowerState
from provision.transpile.cloud_init.build import Build, shell_word
from provision.transpile.cloud_init.commands import CONSOLE

POSTED = {
    "pub_key_rsa": "$(cat /etc/ssh/ssh_host_rsa_key.pub 2>/dev/null || echo N/A)",
    "pub_key_ecdsa": "$(cat /etc/ssh/ssh_host_ecdsa_key.pub 2>/dev/null || echo N/A)",
    "pub_key_ed25519": "$(cat /etc/ssh/ssh_host_ed25519_key.pub 2>/dev/null || echo N/A)",
    "instance_id": "$(cat /etc/machine-id)",
    "hostname": "$(hostname -s)",
    "fqdn": "$(hostname -f)",
}
WEB = re.compile(r"https?://\S", re.I)
WAIT_S = 3  # between two tries of phone_home
INSTANCE = re.compile(r"\$INSTANCE_ID\b|\$\{INSTANCE_ID\}|\{\{\s*v1\.instance_id\s*\}\}")
VARIABLE = re.compile(
    r"\$(?:\{)?(UPTIME|TIMESTAMP|VERSION|DATASOURCE)\b\}?|\{\{\s*(uptime|timestamp|version|datasource)\s*\}\}", re.I
)
MODES = {"poweroff": "-P", "reboot": "-r", "halt": "-H"}
DELAY = re.compile(r"now|\+?[0-9]+")


def final(build: Build) -> None:
    """All of it."""
    if build.root.phone_home is not None and "url" not in build.root.phone_home.absent:
        phone_home(build.root.phone_home, build)
    message(build)
    if build.root.power_state is not None and "mode" not in build.root.power_state.absent:
        power_state(build.root.power_state, build)


def phone_home(wanted: PhoneHome, build: Build) -> None:
    """A form that curl posts, tried again as often as asked."""
    author = build.author
    if not WEB.match(wanted.url):
        said = f"`{wanted.url}` is no address of the web"
        author.complain("PV728", "error", wanted, "url", said, "for example https://example.com/$INSTANCE_ID")
        return
    names = list(POSTED) if not wanted.post or wanted.post == ("all",) else list(wanted.post)
    unknown = [name for name in names if name not in POSTED]
    if unknown:
        author.complain(
            "PV728", "error", wanted, "post", f"`post` has {unknown[0]}; known are all, {', '.join(POSTED)}"
        )
        return
    parts = ['"$(cat /etc/machine-id)"' if at % 2 else shell_word(text) for at, text in enumerate(pieces(wanted.url))]
    data = " ".join(f'--data-urlencode "{name}={POSTED[name]}"' for name in names)
    tries = max(1, 10 if wanted.tries is None else wanted.tries)
    script = (
        f"#!/bin/sh\ncurl -fsS --retry {tries - 1} --retry-delay {WAIT_S} --retry-all-errors {data} {''.join(parts)}\n"
    )
    build.step("phone-home", script, wanted.origin)
    author.fate(
        build.root, "phone_home", "unit", "by cloud-init-phone-home.service; the machine id stands for the instance's"
    )


def pieces(url: str) -> list[str]:
    """A URL in pieces: every second one is where the instance's id goes."""
    found, end = [], 0
    for match in INSTANCE.finditer(url):
        found += [url[end : match.start()], ""]
        end = match.end()
    return [*found, url[end:]]


def message(build: Build) -> None:
    """A last line on the console."""
    text, author = build.root.final_message, build.author
    if not text:
        return
    if VARIABLE.search(text) or text.lstrip().startswith("## template"):
        said = "variables of the message are known to a running cloud-init only; they are printed as they stand"
        author.complain("PV734", "warning", build.root, "final_message", said, "write the message without them")
    script = f"#!/bin/sh\nprintf '%s\\n' {shell_word(text.rstrip(chr(10)))}\n"
    place = author.place(build.root, "final_message")
    build.step("message", script, place, once=False, service=CONSOLE)
    author.fate(build.root, "final_message", "unit", "by cloud-init-message.service")


def power_state(wanted: PowerState, build: Build) -> None:
    """shutdown(8), when everything else has run."""
    author = build.author
    if wanted.mode not in MODES:
        author.complain("PV728", "error", wanted, "mode", f"`mode` is poweroff, reboot or halt, not {wanted.mode}")
        return
    delay = wanted.delay or "now"
    if not DELAY.fullmatch(delay):
        author.complain("PV728", "error", wanted, "delay", f"`delay` is a number of minutes or now, not {delay}")
        return
    delay = delay if delay == "now" or delay.startswith("+") else f"+{delay}"
    condition = condition_of(wanted, build)
    if condition is None:
        return
    words = ["shutdown", MODES[wanted.mode], delay, *([wanted.message] if wanted.message else [])]
    command = " ".join(map(shell_word, words))
    build.step("power-state", f"#!/bin/sh\n{condition}{command}\n", wanted.origin)
    author.fate(build.root, "power_state", "unit", "by cloud-init-power-state.service")


def condition_of(wanted: PowerState, build: Build) -> str | None:
    """The lines of the script that end it where the condition does not hold; None where it never does."""
    node, shapes = wanted.condition, build.shapes
    if node is None:
        return ""
    shape = shapes.of(node)
    if shape == "list":
        words = shapes.words(node, "condition")
        return None if not words else f"{' '.join(map(shell_word, words))} || exit 0\n"
    if shape == "text":
        truth = shapes.truth(node)
        if truth is None:
            return f"sh -c {shell_word(shapes.text(node, 'condition') or '')} || exit 0\n"
        if not truth:
            build.author.fate(build.root, "power_state", "exact", "its condition is false")
        return "" if truth else None
    shapes.wrong(node, "condition", "true, false, a command, or a list of words")
    return None
