"""From a template and values to text, and on to a compiled config whose problems are told at the template's own lines."""

from collections.abc import Callable, Mapping
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any

from provision import passwords
from provision.diagnostics import Diagnostic, Span
from provision.document import Document
from provision.templates import limits
from provision.templates.faults import RenderingError
from provision.templates.files import read_file
from provision.templates.header import Header
from provision.templates.library import SUFFIX, Library, Template
from provision.templates.positions import Origins, Place, Source
from provision.templates.secrets import Secrets
from provision.templates.syntax import explained
from provision.templates.values import ENVIRONMENT, Values

if TYPE_CHECKING:
    from jinja2 import Template as Program

    from provision.templates.engine import Engine
    from provision.transpile.author import Options
    from provision.transpile.compile import Compiled

NO_VALUES = Values()
LONGEST_CONTEXT = 100


class Rendered:
    """What a template gave. `text` is None where something is wrong; `sources` has the text of every file that is named."""

    def __init__(
        self, template: Template, origins: Origins | None, diagnostics: list[Diagnostic], secrets: Secrets,
        texts: Callable[[], Mapping[str, str]],
    ) -> None:  # fmt: skip
        self.template, self.origins, self.secrets, self.texts = template, origins, secrets, texts
        self.diagnostics = [secrets.hide_in(each) for each in diagnostics] if secrets else diagnostics

    @property
    def name(self) -> str:
        """What the rendered text is called, where its name tells what it is: the template's without `.j2`."""
        return self.template.file.removesuffix(SUFFIX)

    @property
    def text(self) -> str | None:
        """The text as it is written to a file, secrets and all."""
        return None if self.origins is None else self.origins.text

    @property
    def failed(self) -> bool:
        """Whether there is no text."""
        return self.origins is None

    @property
    def sources(self) -> dict[str, str]:
        """The texts that diagnostics may name, without secrets."""
        return self.secrets.hide_all({self.template.file: self.template.text, **self.texts()})

    def place(self, span: Span) -> Place:
        """Where in the templates a stretch of the rendered text was made."""
        return Place(self.template.file, span) if self.origins is None else self.origins.place(span)

    def lines(self) -> list[Place]:
        """The place of every line of the rendered text."""
        if self.origins is None:
            return []
        return [self.origins.line_place(line) for line in range(1, len(self.origins.rendered.starts) + 1)]

    def moved(self, diagnostic: Diagnostic) -> Diagnostic:
        """A diagnostic of the rendered text at its place in the template, with the rendered line where that looks otherwise."""
        if self.origins is None or diagnostic.file != self.name:
            return self.secrets.hide_in(diagnostic)
        place = self.place(diagnostic.span)
        hint = diagnostic.hint
        line = self.origins.rendered.line(diagnostic.span.line)
        if line.strip() and line.strip() not in self.line_at(place):
            shown = self.secrets.hide(line.strip())
            cut = shown if len(shown) <= LONGEST_CONTEXT else shown[: LONGEST_CONTEXT - 1] + "…"
            hint = f"{hint}; rendered: `{cut}`" if hint else f"rendered: `{cut}`"
        return self.secrets.hide_in(diagnostic._replace(file=place.file, span=place.span, hint=hint))

    def line_at(self, place: Place) -> str:
        """The line of a template that a place begins in."""
        runs = self.origins.runs if self.origins is not None else []
        text = next((run.source.text for run in runs if run.source.file == place.file), self.template.text)
        return Source(place.file, text).line(place.span.line)


class Renderer:
    """Renders the templates of one library; what is compiled once serves for all."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.files_dir: str | None = None
        self.secrets = Secrets()
        self.name = ""

    @cached_property
    def engine(self) -> "Engine":
        """The Jinja of the library."""
        from provision.templates.engine import Engine
        from provision.templates.loading import LibraryLoader

        engine = Engine(LibraryLoader(self.library), {"file": self.file, "fail": fail})
        engine.filters["password_hash"] = self.password_hash
        for name in ("b64", "sha512", "sha256"):
            engine.filters[name] = self.telling(engine.filters[name])
        return engine

    def program(self, template: Template) -> "Program":
        """The compiled template. Raises what Jinja raises."""
        engine = self.engine
        found: Any = engine.programs.get(template.name)
        if found is None:
            header = template.header
            engine.declared = frozenset(header.parameters) if header else frozenset()
            try:
                code = engine.compile(template.text, template.name, template.file)
            finally:
                engine.declared = None
            found = engine.programs[template.name] = engine.template_class.from_code(
                engine, code, engine.make_globals(None)
            )
        return found  # type: ignore[no-any-return]  # what was put there

    def pieces(self, template: Template, values: Mapping[str, object]) -> list[str]:
        """The texts that a template gives, in their order. Raises what Jinja raises, and RenderingError."""
        program = self.program(template)
        self.engine.meter.begin()
        pieces: list[str] = []
        size = 0
        with limits.room(), limits.clock():
            for text in program.root_render_func(program.new_context(dict(values))):
                size += len(text)
                pieces.append(text)
                if size > limits.MAX_TEXT:
                    raise self.too_large(pieces, template)
        return pieces

    def too_large(self, pieces: list[str], template: Template) -> RenderingError:
        """The answer to a text that is too large, at the place that was writing it."""
        error = limits.too_large()
        source = self.engine.sources[template.name]
        error.where = Origins(pieces, source).at(sum(map(len, pieces)) - 1)
        return error

    # ---- functions and filters that know the rendering ----------------------------------------------------------

    def file(self, name: object) -> str:
        """The text of a file of the files directory."""
        text = read_file(name, self.files_dir)
        if "PRIVATE KEY" in text:
            self.secrets.add(text)
        return text

    def password_hash(self, value: object, salt: str | None = None, rounds: int | None = None) -> str:
        """The filter; what it gives is as secret as a password."""
        from provision.templates import filters

        given = passwords.ROUNDS if rounds is None else rounds
        hashed = filters.password_hash(value, self.name, salt, given)
        self.secrets.add(hashed)
        return hashed

    def telling(self, filter: Callable[[object], str]) -> Callable[[object], str]:
        """A filter whose result is a secret where what it is given has one in it."""

        @wraps(filter)
        def applied(value: object) -> str:
            result = filter(value)
            if isinstance(value, str) and value in self.secrets:
                self.secrets.add(result)
            return result

        return applied


def fail(message: object) -> str:
    """`fail("…")` in a template ends it with a diagnostic."""
    raise RenderingError(str(message), None, "PV786", "fail")


RENDERERS: dict[int, Renderer] = {}


def renderer_of(library: Library) -> Renderer:
    """The renderer of a library, made once."""
    found = RENDERERS.get(id(library))
    if found is None or found.library is not library:
        found = RENDERERS[id(library)] = Renderer(library)
    return found


def render(template: Template, values: Values = NO_VALUES, files_dir: str | None = None) -> Rendered:
    """Render a template. What is wrong in it, in its header, or with the values is in the result."""
    header, unsound = template.parsed
    if header is None or any(each.severity == "error" for each in unsound):
        secrets = Secrets()
        return Rendered(template, None, unsound, secrets, dict)
    try:
        with limits.clock():  # a pattern can take longer than anybody has
            bound = values.bind(header, template.file)
    except RenderingError as error:
        slow = Diagnostic(
            error.code,
            "error",
            "checking the values takes too long",
            template.file,
            header.span,
            "look at the patterns",
        )
        return Rendered(template, None, [*unsound, slow], Secrets(), dict)
    secrets = secrets_of(header, values)
    secrets.add([bound.values.get(name) for name in header.secrets])
    found = [*unsound, *bound.diagnostics]
    renderer = renderer_of(template.library)
    if any(each.severity == "error" for each in found):
        mistakes = [] if any(each.code == "PV780" for each in found) else compiled_mistakes(renderer, template)
        return Rendered(
            template, None, sorted([*found, *mistakes], key=Diagnostic.sort_key), secrets, lambda: values.sources
        )
    renderer.files_dir, renderer.secrets, renderer.name = files_dir, secrets, template.title
    try:
        pieces = renderer.pieces(template, bound.values)
    except Exception as error:
        found.extend(explained(error, renderer.engine, template))
        texts = texts_of(renderer.engine, values)
        return Rendered(template, None, sorted(found, key=Diagnostic.sort_key), secrets, texts)
    origins = Origins(pieces, renderer.engine.sources[template.name])
    return Rendered(template, origins, found, secrets, texts_of(renderer.engine, values))


def secrets_of(header: Header, values: Values) -> Secrets:
    """What has to be hidden of values: those of secret parameters, also where another replaced them or they do not fit.

    A value without a parameter may be that of a secret whose name is misspelt, or, in the environment, of another template.
    """
    secrets = Secrets()
    for layer in values.layers:
        for name in layer.names():
            row = header.parameters.get(name)
            stray = row is None and name not in values.other and (header.secrets or layer.file == ENVIRONMENT)
            if stray or (row is not None and row.secret):
                secrets.add(list(layer.raw(name)))
    return secrets


def compiled_mistakes(renderer: Renderer, template: Template) -> list[Diagnostic]:
    """What is wrong with a template whatever its values are."""
    try:
        renderer.program(template)
    except Exception as error:
        return list(explained(error, renderer.engine, template))
    return []


def check(template: Template) -> list[Diagnostic]:
    """What is wrong with a template whatever its values are, header and all."""
    header, unsound = template.parsed
    if header is None:
        return unsound
    return sorted([*unsound, *compiled_mistakes(renderer_of(template.library), template)], key=Diagnostic.sort_key)


def texts_of(engine: "Engine", values: Values) -> Callable[[], dict[str, str]]:
    """The texts of all files that a rendering may name, once they are wanted."""

    def texts() -> dict[str, str]:
        return {**{source.file: source.text for source in engine.sources.values()}, **values.sources}

    return texts


# ---- on to a config ---------------------------------------------------------------------------------------------


def compile_template(template: Template, values: Values, options: "Options") -> "Compiled":
    """Compile what a template renders to the one config that it stands for; problems are at the template's lines."""
    from provision.transpile.compile import compile_document

    rendered = render(template, values, options.files_dir)
    text = rendered.text
    if text is None:
        return unrendered(rendered)
    return settled(compile_document(text.encode("utf-8", "surrogateescape"), rendered.name, options), rendered)


def compile_all_of_template(template: Template, values: Values, options: "Options") -> list["Compiled"]:
    """Compile all that a template renders: a document, or several objects of Kubernetes."""
    from provision.transpile.compile import compile_all

    rendered = render(template, values, options.files_dir)
    text = rendered.text
    if text is None:
        return [unrendered(rendered)]
    return [
        settled(one, rendered) for one in compile_all(text.encode("utf-8", "surrogateescape"), rendered.name, options)
    ]


def unrendered(rendered: Rendered) -> "Compiled":
    """The outcome for a template that gave no text."""
    from provision.transpile.compile import Compiled

    document = Document(rendered.template.file, rendered.template.text, None, False, ())
    return Compiled(document, None, None, None, rendered.diagnostics, rendered.sources, hide=rendered.secrets.hide)


def settled(compiled: "Compiled", rendered: Rendered) -> "Compiled":
    """A compiled text with all of its places in the template."""
    moved = [rendered.moved(each) for each in compiled.diagnostics]
    # A loop makes one mistake many times.
    once = {(each.code, each.file, each.span, each.message): each for each in reversed([*rendered.diagnostics, *moved])}
    diagnostics = sorted(once.values(), key=Diagnostic.sort_key)
    sources = {}
    if diagnostics:
        nested = {file: text for file, text in compiled.sources.items() if file != rendered.name}
        sources = {**rendered.secrets.hide_all(nested), **rendered.sources}
    return compiled._replace(diagnostics=diagnostics, sources=sources, place=rendered.place, hide=rendered.secrets.hide)
