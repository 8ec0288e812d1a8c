"""How Jinja finds what a template includes: in the template's own library, by names below it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from jinja2.exceptions import TemplateNotFound
from jinja2.loaders import BaseLoader

from provision.document.reading import ReadingError
from provision.templates.faults import RenderingError
from provision.templates.library import Library, is_inner, read_text

if TYPE_CHECKING:
    from jinja2 import Environment


class LibraryLoader(BaseLoader):
    """Loads the files of a library."""

    def __init__(self, library: Library) -> None:
        self.library = library

    def get_source(self, environment: "Environment", template: str) -> tuple[str, str, Callable[[], bool] | None]:
        """The text of a file, and what it is called."""
        if not is_inner(template):
            raise RenderingError(
                f"`{template}` leads out of the library",
                "name files by their path below the library's folder",
                "PV788",
                template,
            )
        if self.library.data(template) is None:
            raise TemplateNotFound(template)
        try:
            return read_text(self.library, template), self.library.shown(template), None
        except ReadingError as error:
            raise RenderingError(f"`{template}`: {error.message}", error.hint, "PV788", template) from None
