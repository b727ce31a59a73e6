"""Parse HCL files into blocks, attributes and traversals."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from checker.errors import UnreadableError

if TYPE_CHECKING:
    from tree_sitter import Node, Parser


T = TypeVar("T")
_LINE_END = re.compile(rb"\n")


class TextCache(Generic[T]):
    """Results by text, bounded by the size of the texts in bytes.

    The newest result always stays, whatever its size; the least recently used ones go first.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = 0
        self._known: OrderedDict[bytes, T] = OrderedDict()

    def get(self, text: bytes, compute: Callable[[bytes], T]) -> T:
        """Return the result for a text; compute it if it is not known."""
        if text in self._known:
            self._known.move_to_end(text)
            return self._known[text]
        result = self._known[text] = compute(text)
        self._size += len(text)
        while self._size > self._most and len(self._known) > 1:
            gone, _ = self._known.popitem(last=False)
            self._size -= len(gone)
        return result


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open range of byte offsets."""

    start: int
    end: int

    def of(self, data: bytes) -> bytes:
        """Return the bytes in the range."""
        return data[self.start : self.end]


@dataclass(frozen=True, slots=True, eq=False)
class Attribute:
    """`name = expression`; `span` covers the whole, `value` the expression."""

    name: str
    span: Span
    value: Span
    expression: Node


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """`type "label" … { body }`; a label's span excludes its quotes."""

    type: str
    labels: tuple[str, ...]
    label_spans: tuple[Span, ...]
    span: Span
    body: Body

    def attribute(self, name: str) -> Attribute | None:
        """Return the attribute of that name directly in the block; None without one."""
        return next(
            (attribute for attribute in self.body.attributes if attribute.name == name), None
        )

    def blocks(self, kind: str) -> tuple[Block, ...]:
        """Return the blocks of that type directly in the block."""
        return tuple(block for block in self.body.blocks if block.type == kind)


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """The attributes and blocks of a file or a block, in order, and the comments anywhere below."""

    attributes: tuple[Attribute, ...]
    blocks: tuple[Block, ...]
    comments: tuple[Span, ...]


def parse_body(data: bytes) -> tuple[Body, int | None]:
    """Parse a file; the second value is the offset of the first syntax error, or None."""
    root = _parser().parse(data).root_node
    broken = _first_error(root)
    comments = tuple(
        Span(node.start_byte, node.end_byte) for node in descendants(root) if node.type == "comment"
    )
    top = next((child for child in root.children if child.type == "body"), None)
    body = _body(top, data) if top is not None else Body((), (), ())
    return Body(body.attributes, body.blocks, comments), broken


def descendants(node: Node) -> Iterator[Node]:
    """Yield the node and every node below it, in the text's order.

    There is no recursion, since text may nest deeply.
    """
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(current.children))


# Equal texts share one parse: a parse takes about a hundred times the memory of its text.
_PARSES: TextCache[tuple[Body, int | None]] = TextCache(1 << 20)


@cache
def _parser() -> Parser:
    import tree_sitter
    import tree_sitter_hcl

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_hcl.language()))


def _first_error(root: Node) -> int | None:
    if not root.has_error:
        return None
    return next(
        (node.start_byte for node in descendants(root) if node.is_error or node.is_missing),
        root.start_byte,
    )


def _body(node: Node, data: bytes) -> Body:
    attributes = tuple(
        _attribute(child, data) for child in node.children if child.type == "attribute"
    )
    blocks = tuple(_block(child, data) for child in node.children if child.type == "block")
    return Body(attributes, blocks, ())


def _attribute(node: Node, data: bytes) -> Attribute:
    name = next(child for child in node.children if child.type == "identifier")
    expressions = [child for child in node.children if child.type == "expression"]
    expression = expressions[0] if expressions else node
    return Attribute(
        _text(name, data), _span(node), Span(expression.start_byte, expression.end_byte), expression
    )


def _block(node: Node, data: bytes) -> Block:
    labels: list[str] = []
    spans: list[Span] = []
    kind = _text(node.children[0], data)
    for child in node.children[1:]:
        if child.type == "string_lit":
            span = Span(child.start_byte + 1, child.end_byte - 1)
        elif child.type == "identifier":
            span = _span(child)
        else:
            continue
        labels.append(span.of(data).decode())
        spans.append(span)
    inner = next((child for child in node.children if child.type == "body"), None)
    body = _body(inner, data) if inner is not None else Body((), (), ())
    return Block(kind, tuple(labels), tuple(spans), _span(node), body)


def _span(node: Node) -> Span:
    return Span(node.start_byte, node.end_byte)


def _text(node: Node, data: bytes) -> str:
    return data[node.start_byte : node.end_byte].decode("utf-8", "replace")


BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a file cannot be parsed, and the line of the fault, counted from 1."""

    reason: str
    line: int
    remedy: str


@dataclass(frozen=True)
class SourceFile:
    """The text of a .tf file.

    `path` is relative to the root module's directory, with forward slashes. The text must be UTF-8:
    Terraform refuses anything else. A byte-order mark and the line ends are kept as they are.
    """

    path: str
    data: bytes

    @cached_property
    def body(self) -> Body:
        """Return the blocks of the file; parsed at the first use.

        Raises UnreadableError with the line of the first syntax error.
        """
        match self._parsed:
            case Fault(reason=reason, line=line, remedy=remedy):
                raise UnreadableError(reason, where=f"{self.path}:{line}", remedy=remedy)
            case body:
                return body

    @property
    def fault(self) -> Fault | None:
        """Return why the file cannot be parsed; None if it can."""
        return self._parsed if isinstance(self._parsed, Fault) else None

    @cached_property
    def _parsed(self) -> Body | Fault:
        try:
            self.data.decode("utf-8")
        except UnicodeDecodeError as error:
            return Fault(
                "not UTF-8 text",
                self.line(error.start),
                "save the file as UTF-8; Terraform reads nothing else",
            )
        # Blanks of the same length replace the byte-order mark, to keep every offset.
        text = b"   " + self.data[3:] if self.data.startswith(BOM) else self.data
        try:
            body, broken = _PARSES.get(text, parse_body)
        except RecursionError:
            return Fault(
                "blocks are nested too deeply for tfcert",
                1,
                "move some blocks into a module or another file",
            )
        return (
            body
            if broken is None
            else Fault(
                "not valid HCL", self.line(broken), "run `terraform validate` for the reason"
            )
        )

    @cached_property
    def memo(self) -> dict[object, Any]:
        """Return what searches of this text found, so that each one runs once."""
        return {}

    def blocks(self, *key: str) -> tuple[Block, ...]:
        """Return the top-level blocks of a type and of these first labels, in order."""
        return self._blocks_by_key.get(key, ())

    @cached_property
    def _blocks_by_key(self) -> Mapping[tuple[str, ...], tuple[Block, ...]]:
        found: dict[tuple[str, ...], list[Block]] = {}
        for block in self.body.blocks:
            whole = (block.type, *block.labels)
            for length in range(1, len(whole) + 1):
                found.setdefault(whole[:length], []).append(block)
        return {key: tuple(blocks) for key, blocks in found.items()}

    def traversals_of(self, root: str, name: str) -> tuple[NamedTraversal, ...]:
        """Return the traversals `root.name…` of the file, in order."""
        key = ("traversals", root)
        if key not in self.memo:
            self.memo[key] = _by_name(self, root)
        found: Mapping[str, tuple[NamedTraversal, ...]] = self.memo[key]
        return found.get(name, ())

    @property
    def newline(self) -> bytes:
        """Return the line end of the file's first line; LF if it has none."""
        first = self.data.find(b"\n")
        return b"\r\n" if first > 0 and self.data[first - 1 : first] == b"\r" else b"\n"

    def line(self, offset: int) -> int:
        """Return the line of a byte offset, counted from 1."""
        return bisect_left(self._line_ends, offset) + 1

    @cached_property
    def _line_ends(self) -> list[int]:
        return [found.start() for found in _LINE_END.finditer(self.data)]

    def line_start(self, offset: int) -> int:
        """Return the offset of the first byte of the line that contains `offset`."""
        start = self.data.rfind(b"\n", 0, offset) + 1
        return 3 if start == 0 and self.data.startswith(BOM) and offset >= len(BOM) else start

    def line_end(self, offset: int) -> int:
        """Return the offset after the line end of the line that contains `offset`.

        This is the end of the file for a last line without a line end.
        """
        end = self.data.find(b"\n", offset)
        return len(self.data) if end < 0 else end + 1


def parses(file: SourceFile) -> bool:
    """Return whether the file parses as HCL."""
    return file.fault is None


@dataclass(frozen=True, slots=True, eq=False)
class TraversalStep:
    """One step after a traversal's root: an attribute by name, or None for an index or a splat."""

    name: str | None
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Traversal:
    """A root identifier and the steps that follow it.

    `node` is the whole expression that contains it.
    """

    root: str
    span: Span
    steps: tuple[TraversalStep, ...]
    node: Node

    def attribute(self, position: int) -> TraversalStep | None:
        """Return the step at a position if it is an attribute, else None."""
        step = self.steps[position] if len(self.steps) > position else None
        return step if step is not None and step.name is not None else None

    def first_attribute_after(self, position: int) -> str | None:
        """Return the name of the first attribute after a position; None for the whole object.

        Indexes and splats are skipped.
        """
        return next(
            (step.name for step in self.steps[position + 1 :] if step.name is not None), None
        )


@dataclass(frozen=True, slots=True, eq=False)
class NamedTraversal:
    """A traversal, its attribute, and the top-level block and path of that attribute."""

    block: Block
    path: tuple[str, ...]
    attribute: Attribute
    traversal: Traversal


def attributes(file: SourceFile) -> Iterator[tuple[Block, tuple[str, ...], Attribute]]:
    """Yield every attribute of a file with its top-level block.

    The path names the nested blocks and the attribute itself.
    """
    for block in file.body.blocks:
        stack: list[tuple[Block, tuple[str, ...]]] = [(block, ())]
        while stack:
            current, path = stack.pop()
            for attribute in current.body.attributes:
                yield block, (*path, attribute.name), attribute
            stack.extend((inner, (*path, inner.type)) for inner in reversed(current.body.blocks))


def _by_name(file: SourceFile, root: str) -> Mapping[str, tuple[NamedTraversal, ...]]:
    """Return the traversals from a root by their first attribute."""
    found: dict[str, list[NamedTraversal]] = {}
    word = root.encode()
    for block, path, attribute in attributes(file):
        # Most attributes of a file do not contain the word.
        if file.data.find(word, attribute.span.start, attribute.span.end) < 0:
            continue
        for traversal in traversals(attribute.expression, file.data):
            step = traversal.attribute(0)
            if traversal.root == root and step is not None and step.name is not None:
                found.setdefault(step.name, []).append(
                    NamedTraversal(block, path, attribute, traversal)
                )
    return {name: tuple(each) for name, each in found.items()}


def traversals(expression: Node, data: bytes) -> Iterator[Traversal]:
    """Yield every traversal in an expression.

    This includes traversals in templates, heredocs and index brackets.
    """
    for node in descendants(expression):
        if node.type == "variable_expr" and node.parent is not None:
            yield _traversal(node, node.parent, data)


def _traversal(variable: Node, parent: Node, data: bytes) -> Traversal:
    steps: list[TraversalStep] = []
    end = variable.end_byte
    children = parent.children
    at = next(index for index, child in enumerate(children) if child == variable)
    for sibling in children[at + 1 :]:
        if sibling.type == "comment":
            continue
        if sibling.type not in {"get_attr", "index", "splat"}:
            break
        steps.extend(_steps(sibling, data))
        end = sibling.end_byte
    return Traversal(_decode(variable, data), Span(variable.start_byte, end), tuple(steps), parent)


def _steps(node: Node, data: bytes) -> Iterator[TraversalStep]:
    if node.type == "get_attr":
        name = next((child for child in node.children if child.type == "identifier"), None)
        if name is not None:
            yield TraversalStep(_decode(name, data), Span(name.start_byte, name.end_byte))
        else:
            yield TraversalStep(None, Span(node.start_byte, node.end_byte))
        return
    yield TraversalStep(None, Span(node.start_byte, node.end_byte))
    # The attributes that follow a splat are its children in the syntax tree.
    for child in descendants(node) if node.type == "splat" else ():
        if child.type == "get_attr":
            yield from _steps(child, data)


def _decode(node: Node, data: bytes) -> str:
    return data[node.start_byte : node.end_byte].decode("utf-8", "replace")
