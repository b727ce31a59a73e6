"""Check that an edit of a block changes one certificate's place, in one root module."""

from __future__ import annotations

from checker.errors import UnreadableError
from checker.hcl.configuration import Configuration, ModulePath, read_foreign
from checker.hcl.flow import other_callers
from checker.hcl.references import Site
from checker.hcl.syntax import traversals

_REPEATING = ("count", "for_each")


def is_only_here(configuration: Configuration, site: Site) -> bool:
    """Return whether an edit of the site's block changes this place and no other.

    It does not where other calls share the module's files, where the place is one of several
    instances by `each.value`, and where a file that tfcert does not edit may override the block.
    """
    takes_each = any(
        traversal.root == "each"
        for traversal in traversals(site.attribute.expression, site.file.data)
    )
    return (
        not takes_each
        and _is_called_once(configuration, site.module)
        and not _is_overridden(configuration, site)
    )


def _is_called_once(configuration: Configuration, module: ModulePath) -> bool:
    if not module:
        return True
    directory = configuration.modules[module].directory
    calls = [each for each in configuration.modules.values() if each.directory == directory]
    if len(calls) != 1 or other_callers(configuration, directory):
        return False
    for depth in range(len(module)):
        found = configuration.blocks(module[:depth], "module", module[depth])
        blocks = [block for _, block in found]
        if len(blocks) != 1 or any(blocks[0].attribute(name) for name in _REPEATING):
            return False
    return True


def _is_overridden(configuration: Configuration, site: Site) -> bool:
    words = [label.encode() for label in site.block.labels[:2]]
    for name in configuration.modules[site.module].foreign:
        try:
            text = read_foreign(configuration, name)
        except UnreadableError:
            return True
        if all(word in text for word in words):
            return True
    return False
