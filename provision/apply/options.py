"""What the command lines of the initramfs share: exit codes, and flags as Go programs take them."""

from argparse import Action, ArgumentParser, HelpFormatter

from provision.diagnostics import ProvisionError

DONE, FAILED, USAGE = 0, 1, 2

UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


class Parser(ArgumentParser):
    """A parser for flags with one dash or two, as Go programs take them; none may be abbreviated."""

    def _get_option_tuples(self, option_string: str) -> list[tuple[Action, str, str | None]]:
        """What a flag may be short for. `allow_abbrev` is not heeded for flags with one dash."""
        return []


def new_parser(program: str, description: str) -> ArgumentParser:
    """A parser for one of the programs."""
    # Without a width argparse asks for the terminal's, and loads all of shutil to do so.
    return Parser(
        program,
        description=description,
        allow_abbrev=False,
        formatter_class=lambda prog: HelpFormatter(prog, width=100),
    )


def flag(parser: ArgumentParser, name: str, default: str | None, meaning: str, metavar: str) -> None:
    """A flag with a value."""
    parser.add_argument(f"--{name}", f"-{name}", default=default, metavar=metavar, help=meaning)


def switch(parser: ArgumentParser, name: str, meaning: str) -> None:
    """A flag without one; `=true` and `=false` are taken, too."""
    parser.add_argument(f"--{name}", f"-{name}", nargs="?", const="true", default="false", choices=SWITCHES, help=meaning,
                        metavar="BOOL")  # fmt: skip


SWITCHES = ("true", "false", "1", "0", "t", "f", "T", "F", "TRUE", "FALSE", "True", "False")


def is_on(value: str) -> bool:
    """What a switch says. Source: Go, strconv.ParseBool."""
    return value.lower() in ("true", "1", "t")


def duration(text: str) -> float:
    """Seconds of '2m', '1h30m', '500ms'. Source: Go, time.ParseDuration. Raises ProvisionError."""
    rest, total = "" if text == "0" else text, 0.0
    while rest:
        number = rest[: len(rest) - len(rest.lstrip("0123456789."))]
        rest = rest[len(number) :]
        unit = next((unit for unit in sorted(UNITS, key=len, reverse=True) if rest.startswith(unit)), None)
        if unit is None or not number.strip(".") or number.count(".") > 1:
            raise ProvisionError(f"-fetch-timeout {text}: write a time such as 2m, 30s or 1h30m", exit_code=USAGE)
        total += float(number) * UNITS[unit]
        rest = rest[len(unit) :]
    if not text:
        raise ProvisionError("-fetch-timeout is empty: write a time such as 2m", exit_code=USAGE)
    return total


def check_platform(platform: str) -> None:
    """Raise ProvisionError for a platform that is not in the table."""
    from provision.apply.providers import PROVIDERS

    if platform not in PROVIDERS:
        raise ProvisionError(
            f"-platform {platform}: not known; there are {', '.join(sorted(PROVIDERS))}", exit_code=USAGE
        )
