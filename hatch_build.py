"""Build the grammar of python-hcl2 with the package: building it takes seconds at every start."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class GrammarHook(BuildHookInterface[Any]):
    """Write the grammar into the source tree, where an editable installation finds it too."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 -- hatchling's signature
        """Write the files and add them to the wheel; without them tfcert builds the grammar."""
        sys.path.insert(0, self.root)
        try:
            from checker.hcl.grammar import write_grammar

            written = write_grammar(Path(self.root, "checker", "hcl", "built"))
        except (ImportError, OSError) as error:
            self.app.display_warning(f"the grammar of python-hcl2 is not shipped: {error}")
            return
        build_data["artifacts"] += [
            f"/{path.relative_to(self.root).as_posix()}" for path in written
        ]
