"""`provision template new`: asks for the parameters of a template, and writes a file of values with a comment for each."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from provision.diagnostics import ProvisionError
from provision.inputs import refusal, write_output
from provision.templates.header import Header
from provision.templates.layers import TextLayer, merged
from provision.templates.library import Template
from provision.templates.listing import default_text
from provision.templates.parameters import Parameter
from provision.templates.values import Values
from provision.templates.yaml_text import entry

Ask = Callable[[str, bool], str]
Tell = Callable[[str], None]


def ask_all(header: Header, values: Values, ask: Ask, tell: Tell) -> dict[str, Any]:
    """The values of all parameters that were given, and what is answered for the others. An empty answer is the default."""
    given: dict[str, Any] = {}
    for name, parameter in header.parameters.items():
        if any(name in layer.names() for layer in values.layers):
            given[name] = given_value(parameter, values)
            continue
        tell(f"\n{name}: {parameter.description} ({parameter.summary})")
        answer = ask_one(parameter, ask, tell)
        if answer is not None:
            given[name] = answer
    return given


def given_value(parameter: Parameter, values: Values) -> Any:
    """The value of a parameter, without what its defaults add."""
    whole: Any = None
    for layer in values.layers:
        if parameter.name in layer.names():
            whole = merged(whole, layer.value(parameter))
    return whole


def ask_one(parameter: Parameter, ask: Ask, tell: Tell) -> Any:
    """An answer that fits; None for the default."""
    head = Header("", "", {parameter.name: parameter}, parameter.span)
    while True:
        default = "" if parameter.required else f" [{default_text(parameter)}]"
        text = ask(f"  {parameter.name}{default}: ", parameter.secret)
        if not text and not parameter.required:
            return None
        if not text:
            tell("  it has no default; Ctrl-C leaves without writing anything")
            continue
        layer = TextLayer("answer", [(parameter.name, text)])
        found = Values([layer]).bind(head, "answer")
        if not found.diagnostics:
            return layer.value(parameter)
        for each in found.diagnostics:
            tell(f"  {each.message}" + (f" ({each.hint})" if each.hint else ""))


def on_terminal() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask_terminal(prompt: str, secret: bool) -> str:
    """One answer from the terminal. Raises ProvisionError where it ends."""
    try:
        if secret:
            from getpass import getpass

            return getpass(prompt, sys.stderr)
        sys.stderr.write(prompt)
        sys.stderr.flush()
        line = sys.stdin.readline()
    except KeyboardInterrupt:
        line = ""
    except EOFError:
        line = ""
    if not line:
        sys.stderr.write("\n")
        raise ProvisionError("nothing was written", exit_code=1)
    return line.strip()


def values_file(template: Template, header: Header, given: Mapping[str, Any], path: str) -> str:
    """A file of values: those that are given, and as comments the defaults of the others."""
    return "\n".join(file_lines(template, header, given, path)) + "\n"


def file_lines(template: Template, header: Header, given: Mapping[str, Any], path: str) -> Iterator[str]:
    """The lines of that file."""
    yield f"# Values for the template {template.title}. {header.description}"
    yield f"# provision template render {template.title} --values {path} -o {template.output_name}"
    for name, parameter in header.parameters.items():
        yield ""
        yield f"# {parameter.description} ({parameter.summary})"
        if name in given:
            yield from entry(f"{name}:", given[name])
        elif parameter.required:
            yield f"# {name}:"
        else:
            yield from (f"# {line}".rstrip() for line in entry(f"{name}:", parameter.default))


def write_new(path: str, text: str, *, private: bool) -> None:
    """Write a file that is not there yet; with secrets in it, for its owner alone. Raises ProvisionError."""
    if os.path.lexists(path):
        raise ProvisionError(f"{path} is there already; name another file with -o, or move it away", exit_code=2)
    write_private(path, text.encode("utf-8", "surrogateescape"), private=private)


def write_private(path: str, data: bytes, *, private: bool) -> None:
    """Write a file; a new one with secrets is for its owner alone."""
    if not private:
        write_output(path, data)
        return
    before = os.umask(0o077)
    try:
        write_output(path, data)
    except OSError as error:
        raise refusal(path, error) from None
    finally:
        os.umask(before)
