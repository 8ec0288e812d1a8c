"""What goes wrong in a template: the codes, and the exceptions that carry a diagnostic's words to its place."""

from provision.diagnostics import declare
from provision.templates.positions import Source

declare(
    "PV780", "error", "template syntax",
    """A template is well-formed Jinja.

    Tags are `{% … %}`, expressions `{{ … }}`, comments `{# … #}`; every `for`, `if`, `macro`, `block`, `call`, `filter` and
    `with` has its end tag, and filters and tests are those of Jinja and of provision.

    Bad:
        {# description: A machine with its name in /etc/motd. #}
        variant: fcos
        version: 1.6.0
        storage:
          files:
        {% for name in ["motd", "issue"] %}
            - path: /etc/{{ name }}

    Good:
        {# description: A machine with its name in /etc/motd. #}
        variant: fcos
        version: 1.6.0
        storage:
          files:
        {% for name in ["motd", "issue"] %}
            - path: /etc/{{ name }}
        {% endfor %}
    """, silenceable=False,
)  # fmt: skip
declare(
    "PV781", "error", "template header",
    """A template begins with a comment that describes it and its parameters, in YAML.

    Keys of the header are `description`, `family` and `parameters`. A parameter is a JSON Schema (draft 2020-12), in which
    `secret: true` keeps its value out of everything that is shown. It has a description; one without `default` is required,
    and a default fits its own schema.

    Bad:
        {#
        description: A machine with a message of the day.
        parameters:
          greeting: {type: string, maxLenght: 70, default: hello, description: The message.}
        #}
        variant: fcos
        version: 1.6.0

    Good:
        {#
        description: A machine with a message of the day.
        parameters:
          greeting: {type: string, maxLength: 70, default: hello, description: The message.}
        #}
        variant: fcos
        version: 1.6.0
    """, silenceable=False,
)  # fmt: skip
declare(
    "PV782", "error", "undefined name",
    """A template uses names that are there: its parameters, what it sets itself, and the keys of what these hold.

    A misspelt name would be written as nothing. Test what may be missing with `is defined`, or give it a `default(…)`.

    Bad:
        {#
        description: A machine with a name.
        parameters:
          hostname: {type: string, default: box, description: Its name.}
        #}
        variant: fcos
        version: 1.6.0
        storage:
          files:
            - path: /etc/hostname
              contents:
                inline: {{ hostnam }}

    Good:
        {#
        description: A machine with a name.
        parameters:
          hostname: {type: string, default: box, description: Its name.}
        #}
        variant: fcos
        version: 1.6.0
        storage:
          files:
            - path: /etc/hostname
              contents:
                inline: {{ hostname }}
    """, silenceable=False,
)  # fmt: skip
declare(
    "PV783", "error", "missing value",
    """A parameter without a default gets a value.

    Values come from `--set name=value`, from `--values FILE.yaml`, from an inventory, or from the environment
    (`PROVISION_VAR_name`); of several for one name the first of these counts.
    """, silenceable=False,
)  # fmt: skip
declare(
    "PV784", "error", "unknown value",
    """A value is for a parameter that the template has, or for a variable of the format that it is written in.

    A misspelt name would leave the default in place without a word. In the environment, which several templates share, it is
    a warning.
    """, silenceable=False,
)  # fmt: skip
declare(
    "PV785", "error", "unfit value",
    """A value fits the schema of its parameter: type, format, range, length.

    It is checked before the template sees it. `--set` takes what stands behind the `=` for a text where the parameter is a
    string, else for YAML: `--set 'members=[a, b]'`; `--set disk.size=20` sets one key of an object.
    """, silenceable=False,
)  # fmt: skip
declare(
    "PV786", "error", "failed expression",
    """An expression of a template can be worked out, and gives something that can be written.

    A list, a mapping or null has no one spelling: `to_yaml`, `to_json` or `join` says which is meant. `fail("…")` in a
    template raises this, too.

    Bad:
        {# description: A machine that knows the servers of its time. #}
        {% set servers = ["ntp1.example.com", "ntp2.example.com"] %}
        variant: fcos
        version: 1.6.0
        storage:
          files:
            - path: /etc/servers
              contents:
                inline: {{ servers }}

    Good:
        {# description: A machine that knows the servers of its time. #}
        {% set servers = ["ntp1.example.com", "ntp2.example.com"] %}
        variant: fcos
        version: 1.6.0
        storage:
          files:
            - path: /etc/servers
              contents:
                inline: {{ servers | join(" ") }}
    """, silenceable=False,
)  # fmt: skip
declare(
    "PV787", "error", "rendering limits",
    """Rendering a template stays within limits of size, steps, depth and time.

    A rendered text has up to 16 MiB, and takes up to 5 million turns of loops and calls, and 10 seconds. Macros and includes
    that call each other without end are refused, too.

    Bad:
        {# description: A machine with folders in folders. #}
        {% macro folders(path, depth) %}
            - path: {{ path }}
        {{ folders(path ~ "/in", depth - 1) }}
        {% endmacro %}
        variant: fcos
        version: 1.6.0
        storage:
          directories:
        {{ folders("/srv", 3) }}

    Good:
        {# description: A machine with folders in folders. #}
        {% macro folders(path, depth) %}
            - path: {{ path }}
        {% if depth %}
        {{ folders(path ~ "/in", depth - 1) }}
        {% endif %}
        {% endmacro %}
        variant: fcos
        version: 1.6.0
        storage:
          directories:
        {{ folders("/srv", 3) }}
    """, silenceable=False,
)  # fmt: skip
declare(
    "PV788", "error", "file of a template",
    """What a template includes, imports or extends lies in its own library.

    Names are relative to the library's folder; links that lead out are refused. `file()` reads from the files directory,
    which `-d`/`--files-dir` names.

    Bad:
        {# description: A machine with parts that others have, too. #}
        variant: fcos
        version: 1.6.0
        {% include "../_users.j2" %}

    Good:
        {# description: A machine with parts that others have, too. #}
        variant: fcos
        version: 1.6.0
        {% include "_users.j2" ignore missing %}
    """, silenceable=False,
)  # fmt: skip
declare(
    "PV789", "error", "template library",
    """A library is a folder, or a zip, with templates in it.

    `--path` names one that is looked into before the one that comes with provision. A template is a file whose name ends in
    `.j2` after the suffix of what it renders, such as `web.bu.j2`; files that begin with `_` are parts for others.
    """, silenceable=False,
)  # fmt: skip


class RenderingError(Exception):
    """A mistake in a template or its values that was met while rendering; where, its traceback tells."""

    def __init__(self, message: str, hint: str | None = None, code: str = "PV786", word: str | None = None) -> None:
        super().__init__(message)
        self.message, self.hint, self.code = message, hint, code
        self.word = word
        """What to point at in the line, if that is known."""
        self.where: tuple[Source, int, int] | None = None
        """The place itself, where no traceback has it."""
