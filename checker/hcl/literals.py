"""Find literal certificate ids, and the var files that set them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from checker.hcl.configuration import Configuration, ModulePath
from checker.hcl.flow import POINTER, STAGES, Flow, StageBlock
from checker.hcl.obstacles import EditObstacle, flow_obstacles, hash_obstacles
from checker.hcl.origins import Origin, Producer, origins
from checker.hcl.regular_files import read_regular
from checker.hcl.syntax import Block, SourceFile, descendants, parses

_DEEPEST = 3
_MOST = 500
_AUTOMATIC = re.compile(r"(?:^terraform|\.auto)\.tfvars(?:\.json)?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableSetting:
    """One var file that sets a variable.

    `texts` are the strings in the value; `plain` says whether it is a single string. `automatic`
    says whether Terraform reads the file by default (terraform.tfvars, *.auto.tfvars beside the
    root).
    """

    path: str
    line: int
    texts: tuple[str, ...]
    plain: bool
    automatic: bool


class VarFiles:
    """The var files in the root module's folder and up to three levels below it.

    They are searched once, at the first use.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._root = configuration.root
        self._paths: tuple[str, ...] | None = None
        self._known: dict[str, tuple[VariableSetting, ...]] = {}

    def settings(self, name: str) -> tuple[VariableSetting, ...]:
        """Return every var file that sets a variable."""
        if self._paths is None:
            self._paths = tuple(_var_files(Path(self._root)))
        if name not in self._known:
            self._known[name] = tuple(
                found for path in self._paths for found in _settings(self._root, path, name)
            )
        return self._known[name]


def default_of(configuration: Configuration, name: str) -> VariableSetting | None:
    """Return the default of a root variable; None without one."""
    for file, block in configuration.blocks((), "variable", name):
        attribute = block.attribute("default")
        if attribute is not None:
            return _setting(
                file, attribute.span.start, attribute.value.of(file.data), file.path, automatic=True
            )
    return None


def _var_files(root: Path) -> Iterator[str]:
    count = 0
    for folder, folders, names in os.walk(root):
        depth = len(Path(folder).relative_to(root).parts)
        folders[:] = (
            sorted(each for each in folders if not each.startswith(".")) if depth < _DEEPEST else []
        )
        for name in sorted(names):
            if name.endswith((".tfvars", ".tfvars.json")) and count < _MOST:
                count += 1
                yield Path(folder, name).relative_to(root).as_posix()


def _settings(root: str, path: str, name: str) -> Iterator[VariableSetting]:
    try:
        data = read_regular(Path(root, path))
    except OSError:
        return
    if not re.search(rb"\b" + re.escape(name.encode()) + rb"\b", data):
        return
    automatic = "/" not in path and _AUTOMATIC.search(path) is not None
    file = SourceFile(path, data)
    if path.endswith(".json") or not parses(file):
        line = file.line(data.find(name.encode()))
        yield VariableSetting(path=path, line=line, texts=(), plain=False, automatic=automatic)
        return
    for attribute in file.body.attributes:
        if attribute.name == name:
            yield _setting(
                file, attribute.span.start, attribute.value.of(data), path, automatic=automatic
            )


def _setting(
    file: SourceFile, start: int, text: bytes, path: str, *, automatic: bool
) -> VariableSetting:
    attribute = next(
        each
        for body in (file.body, *(block.body for block in file.body.blocks))
        for each in body.attributes
        if each.span.start == start
    )
    texts = tuple(
        file.data[node.start_byte : node.end_byte].decode("utf-8", "replace").strip('"')
        for node in descendants(attribute.expression)
        if node.type == "string_lit"
    )
    plain = re.fullmatch(rb'"[\w-]*"|null', text.strip()) is not None
    return VariableSetting(
        path=path, line=file.line(start), texts=texts, plain=plain, automatic=automatic
    )


# API Gateway ids have lower-case letters and digits; shorter text is a name or a key.
_ID = re.compile(r"[a-z0-9]{5,}")
_PLACED = ("provider", "region")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LiteralUse:
    """A stage, and the text of its id: the literal, or a root variable that var files set."""

    stage: StageBlock
    file: SourceFile
    block: Block
    origin: Origin
    settings: tuple[VariableSetting, ...] = ()


def literal_uses(
    configuration: Configuration, var_files: VarFiles | None = None
) -> dict[str, tuple[LiteralUse, ...]]:
    """Return every text that may be an id, with the stages that take it.

    `var_files` are the var files of the configuration, if they are already read.
    """
    found: dict[str, list[LiteralUse]] = {}
    var_files = var_files or VarFiles(configuration)
    for module in sorted(configuration.modules):
        for file in configuration.in_module(module, b"_stage", POINTER.encode()):
            for block in file.body.blocks if parses(file) else ():
                if block.type == "resource" and len(block.labels) > 1 and block.labels[0] in STAGES:
                    for identity, use in _of_stage(configuration, var_files, module, file, block):
                        found.setdefault(identity, []).append(use)
    return {identity: tuple(uses) for identity, uses in found.items()}


def _of_stage(
    configuration: Configuration,
    var_files: VarFiles,
    module: ModulePath,
    file: SourceFile,
    block: Block,
) -> Iterator[tuple[str, LiteralUse]]:
    stage = (module, block.labels[0], block.labels[1])
    for origin in origins(configuration, module, file, block, POINTER):
        if origin.producer is Producer.LITERAL and _ID.fullmatch(origin.text):
            yield origin.text, LiteralUse(stage=stage, file=file, block=block, origin=origin)
        if origin.producer is Producer.VARIABLE:
            default = default_of(configuration, origin.text)
            settings = (
                *var_files.settings(origin.text),
                *((default,) if default is not None else ()),
            )
            for text in dict.fromkeys(
                text for setting in settings for text in setting.texts if _ID.fullmatch(text)
            ):
                yield (
                    text,
                    LiteralUse(
                        stage=stage, file=file, block=block, origin=origin, settings=settings
                    ),
                )


def declaring_module(uses: tuple[LiteralUse, ...]) -> ModulePath:
    """Return the module that contains the text; the first one if there are several."""
    return min(use.origin.module for use in uses)


def placement(uses: tuple[LiteralUse, ...]) -> tuple[tuple[str, str], ...]:
    """Return the `provider` and `region` arguments of the stage.

    A certificate for the stage needs them too.
    """
    use = uses[0]
    found = ((name, use.block.attribute(name)) for name in _PLACED)
    return tuple(
        (name, attribute.value.of(use.file.data).decode("utf-8", "replace"))
        for name, attribute in found
        if attribute is not None
    )


def literal_obstacles(
    configuration: Configuration, identity: str, uses: tuple[LiteralUse, ...]
) -> Iterator[EditObstacle]:
    """Yield every obstacle to replacing a literal id by a reference to a Terraform certificate."""
    home = declaring_module(uses)
    for use in uses:
        for reason, remedy, path, line in (
            *_of_text(use, home),
            *_of_variable(use, identity),
            *_of_place(configuration, use, home),
        ):
            yield EditObstacle(reason=reason, remedy=remedy, path=path, line=line)
    if len({placement((use,)) for use in uses}) > 1:
        yield EditObstacle(
            reason=f"the stages that take {identity} differ in provider or region",
            remedy="give each its own certificate manually",
            path=uses[0].origin.file.path,
            line=uses[0].origin.line,
        )
    yield from hash_obstacles(configuration, {use.origin.file.path for use in uses})
    stages = frozenset(use.stage for use in uses)
    flow = Flow(references=(), stages=stages, opaque=frozenset(), sites=())
    yield from flow_obstacles(configuration, home, identity, uses[0].origin.file, flow)


_Complaint = tuple[str, str, str, int]


def _of_text(use: LiteralUse, home: ModulePath) -> Iterator[_Complaint]:
    origin = use.origin
    where = (origin.file.path, origin.line)
    if origin.module != home:
        yield (
            "the id is in more than one module",
            "write the id in one place, or write the reference to a certificate manually",
            *where,
        )
    if not origin.plain:
        given = ", ".join(f"{setting.path}:{setting.line}" for setting in use.settings)
        variable = origin.producer is Producer.VARIABLE
        what = (
            f"a value inside var.{origin.text} ({given})"
            if variable
            else "a key, an index or part of a text"
        )
        yield (
            f"the id is {what}, where no reference can take its place",
            "write the id as a value of its own, then run tfcert again",
            *where,
        )
    if origin.reshaped:
        yield (
            (
                "the id passes through for_each in a form that tfcert does not follow (a set, a "
                "function or a for)"
            ),
            (
                "write the stage's reference to a certificate manually: a changed key would "
                "replace the stage"
            ),
            *where,
        )


def _of_variable(use: LiteralUse, identity: str) -> Iterator[_Complaint]:
    if use.origin.producer is not Producer.VARIABLE:
        return
    given = [setting for setting in use.settings if any(setting.texts) or not setting.plain]
    named = ", ".join(f"{setting.path}:{setting.line}" for setting in given)
    first = given[0]
    where = (first.path, first.line)
    if len(given) > 1:
        yield (
            (
                f"var.{use.origin.text} is given in several places"
                f" ({named}), which one reference would replace at once"
            ),
            (
                "rotate manually: create the certificate, then write its id into the var file of "
                "this rotation"
            ),
            *where,
        )
    elif not first.plain or identity not in first.texts:
        yield (
            (
                f"var.{use.origin.text} contains more than the id"
                f" ({named}), and a var file cannot contain a reference"
            ),
            "rotate manually: create the certificate, then write its id there",
            *where,
        )
    elif not first.automatic and len(use.settings) > 1:
        yield (
            (
                f"var.{use.origin.text} has a default, and {first.path}, if passed on the command "
                "line, gives it another value"
            ),
            "rotate manually: create the certificate, then write its id there",
            *where,
        )


def _of_place(
    configuration: Configuration, use: LiteralUse, home: ModulePath
) -> Iterator[_Complaint]:
    module = use.stage[0]
    where = (use.file.path, use.file.line(use.block.span.start))
    if module[: len(home)] != home:
        yield (
            "the id is in another module than the stage, whose provider may differ",
            "write the stage's reference to a certificate manually",
            *where,
        )
        return
    own = placement((use,))
    if module != home and own:
        yield (
            "the stage has a provider or region of its own, inside a module",
            "create the certificate there manually",
            *where,
        )
    if any(word in text for _, text in own for word in ("each.", "count.")):
        yield (
            "the stage's region differs by instance",
            "create the certificates manually, one per region",
            *where,
        )
    for end in range(len(home), len(module)):
        for file, call in configuration.blocks(module[:end], "module", module[end]):
            if call.attribute("providers") is not None:
                yield (
                    (
                        f"module.{module[end]} is given providers, so the stage may be in another "
                        "account or region than a certificate of its caller"
                    ),
                    "create the certificate manually, with the provider of the stage",
                    file.path,
                    file.line(call.span.start),
                )
