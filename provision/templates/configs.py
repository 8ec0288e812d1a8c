"""Configs as commands take them: documents as they are, and templates, whose names end in `.j2`, rendered first."""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from provision.inputs import read_input
from provision.templates import SUFFIX as SUFFIX
from provision.transpile.author import Options
from provision.transpile.compile import Compiled, compile_all, compile_document

if TYPE_CHECKING:
    from provision.templates.library import Template
    from provision.templates.values import Values


class Prepared(NamedTuple):
    """A template with its values, and the options that are left for what it renders."""

    template: "Template"
    values: "Values"
    options: Options


Config = bytes | Prepared


def read_config(file: str, options: Options) -> Config:
    """A file as it can be compiled. Raises ProvisionError for one that can't be read, also one of values."""
    data = read_input(file)
    if not file.endswith(SUFFIX):
        return data
    from provision.templates.library import template_file

    template = template_file(file)
    return Prepared(template, *values_for(template, options))


def compile_read(config: Config, name: str, options: Options) -> list[Compiled]:
    """Compile all that a file holds."""
    if isinstance(config, bytes):
        return compile_all(config, name, options)
    from provision.templates.rendering import compile_all_of_template

    return compile_all_of_template(*config)


def compile_all_of(file: str, name: str, options: Options) -> list[Compiled]:
    """Read and compile all that a file holds. Raises ProvisionError for one that can't be read."""
    return compile_read(read_config(file, options), name, options)


def compile_input(file: str, name: str, options: Options) -> Compiled:
    """Read and compile a file to the one config that it stands for. Raises ProvisionError for one that can't be read."""
    config = read_config(file, options)
    if isinstance(config, bytes):
        return compile_document(config, name, options)
    from provision.templates.rendering import compile_template

    return compile_template(*config)


def values_for(template: "Template", options: Options) -> "tuple[Values, Options]":
    """The values of a command line for a template, and the options without them: what remains are variables of formats."""
    from provision.templates.values import gathered

    header = template.header
    others = [pair for pair in options.values if header is None or pair[0].split(".")[0] not in header.parameters]
    values = gathered(options.values, options.value_files, os.environ, platform_names(name for name, _ in others))
    return values, options._replace(values=tuple(others))


def platform_names(given: Iterable[str]) -> frozenset[str]:
    """The names of variables that older formats have, also as they were given where they are spelled in another way."""
    from provision.transpile.clc.dynamic_data import FIELDS
    from provision.transpile.cloud_config.variables import NAMES
    from provision.transpile.user_data import LAUNCH_INDEX

    known = {*NAMES, *FIELDS, LAUNCH_INDEX}
    spelled = {
        name
        for name in given
        if name.upper() in FIELDS or name.lower().removeprefix("$").removeprefix("coreos_") in NAMES
    }
    return frozenset(known | spelled)
