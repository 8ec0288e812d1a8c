"""What Jinja's compiler writes for a template, changed so that output knows its origin, and turns and calls are counted."""

from collections.abc import Iterable
from typing import Any

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame

from provision.templates.tags import offset_of


class Generator(CodeGenerator):
    """Writes the Python of a template, with the origin of all that it puts out."""

    environment: Any  # an Engine, which imports this

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.constants: list[str] = []
        self.counted: set[int] = set()
        self.open_writes: list[str | None] = []

    def constant(self, code: str) -> str:
        """The name of a constant of the module."""
        self.constants.append(code)
        return f"constant_{len(self.constants)}"

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:  # noqa: N802  # named by Jinja
        self.counted.add(id(node.body))
        self.counted.update(id(block.body) for block in node.find_all(nodes.Block))
        super().visit_Template(node, frame)
        self.writeline("from provision.templates.positions import joined, verbatim", extra=1)
        self.writeline(f"source = environment.sources[{self.name!r}]")
        self.writeline("step, shown = environment.meter.step, environment.shown")
        for number, code in enumerate(self.constants, 1):
            self.writeline(f"constant_{number} = {code}")

    def visit_For(self, node: nodes.For, frame: Frame) -> None:  # noqa: N802  # named by Jinja
        self.counted.add(id(node.body))
        super().visit_For(node, frame)

    def macro_body(self, node: Any, frame: Frame) -> Any:
        self.counted.add(id(node.body))
        return super().macro_body(node, frame)

    def blockvisit(self, nodes: Iterable[nodes.Node], frame: Frame) -> None:
        if id(nodes) in self.counted:
            self.writeline("step()")
        super().blockvisit(nodes, frame)

    # ---- output: a text of the template is a constant, an expression goes through `shown` -----------------------

    def _output_child_to_const(self, node: nodes.Expr, frame: Frame, finalize: Any) -> str:
        if not isinstance(node, nodes.TemplateData):
            raise nodes.Impossible
        return self.constant(f"verbatim(source, {offset_of(node)}, {node.data!r})")

    def _output_const_repr(self, group: Iterable[Any]) -> str:
        names = list(group)
        return str(names[0]) if len(names) == 1 else self.constant(f"joined([{', '.join(names)}])")

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        self.write("shown(")

    def _output_child_post(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        self.write(f", {self.where(node)})")

    def start_write(self, frame: Frame, node: nodes.Node | None = None) -> None:
        super().start_write(frame, node)
        made_here = isinstance(node, nodes.FilterBlock | nodes.CallBlock | nodes.For)
        self.open_writes.append(self.where(node) if made_here and node else None)
        if made_here:
            self.write("shown(")

    def end_write(self, frame: Frame) -> None:
        where = self.open_writes.pop()
        if where:
            self.write(f", {where})")
        super().end_write(frame)

    def where(self, node: nodes.Node) -> str:
        """The tag that a node stands in, as a constant."""
        start, end = self.environment.tag_at(self.name or "", offset_of(node))
        return self.constant(f"(source, {start}, {end})")
