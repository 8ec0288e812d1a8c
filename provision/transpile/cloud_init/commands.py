"""`bootcmd`, `runcmd`, and the scripts of an archive. Source: cloud-init 25, modules bootcmd, runcmd, scripts_*."""

from provision.transpile.cloud_init.build import Build, shell_word

CONSOLE = (("StandardOutput", "journal+console"), ("StandardError", "journal+console"))


def commands(build: Build) -> None:
    """`bootcmd` runs early in every boot, `runcmd` once, late, after packages and scripts."""
    for key in ("bootcmd", "runcmd"):
        node = getattr(build.root, key)
        if node is None:
            continue
        script = script_of(node, key, build)
        early = key == "bootcmd"
        if script is not None:
            place = build.author.place(build.root, key)
            build.step(key, script, place, when="boot" if early else "final", once=not early, service=CONSOLE)
            build.author.fate(build.root, key, "unit", f"by cloud-init-{key}.service")


def script_of(node: object, key: str, build: Build) -> str | None:
    """The commands as a shell script: text as it stands, lists as quoted words. None where one is neither."""
    shapes, lines = build.shapes, ["#!/bin/sh"]
    before = len(build.author.diagnostics)
    for item in shapes.items(node, key):
        shape = shapes.of(item)
        if shape == "text":
            lines.append(shapes.text(item, key) or "")
        elif shape == "list":
            lines.append(" ".join(shell_word(word) for word in shapes.words(item, key) or ()))
        elif shape == "map":
            shapes.wrong(item, key, "a list of commands, each a string or a list of words")
    if len(build.author.diagnostics) > before or len(lines) == 1:
        return None
    return "\n".join(lines) + "\n"
