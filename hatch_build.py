"""Build the grammar of python-hcl2 and the bill of materials (SBOM) with the package.

Building the grammar takes seconds; otherwise each start of tfcert would do it.
"""

from __future__ import annotations

import json
import re
import sys
import uuid
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# A line of `hashes.txt`: name, version, and the platforms that need it.
_PINNED = re.compile(
    r"^(?P<name>[\w.-]+)==(?P<version>[^\s;]+)(?: ; (?P<marker>[^\\]+))?", re.MULTILINE
)
_SBOM = "build/tfcert.cdx.json"


class PackageHook(BuildHookInterface[Any]):
    """Write the grammar into the source tree, and the bill of materials into the wheel.

    An editable installation finds the grammar in the source tree too.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the files and add them to the wheel; without the grammar tfcert builds it."""
        if version == "standard":
            self._write_sbom(build_data)
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

    def _write_sbom(self, build_data: dict[str, Any]) -> None:
        """Write a CycloneDX 1.6 document of the packages in `hashes.txt`.

        It has no time and no random number: two builds have the same one. Source of the place in
        the wheel: PEP 770.
        """
        core = self.metadata.core
        direct = {_normal(re.split(r"[^\w.-]", each, maxsplit=1)[0]) for each in core.dependencies}
        pinned = Path(self.root, "hashes.txt").read_text(encoding="utf-8")
        components = []
        for found in _PINNED.finditer(pinned):
            name, number = _normal(found["name"]), found["version"]
            purl = f"pkg:pypi/{name}@{number}"
            marker = (found["marker"] or "").strip()
            components.append(
                {
                    "type": "library",
                    "bom-ref": purl,
                    "name": name,
                    "version": number,
                    "purl": purl,
                    **(
                        {"properties": [{"name": "tfcert:marker", "value": marker}]}
                        if marker
                        else {}
                    ),
                }
            )
        own = f"pkg:pypi/{core.name}@{self.metadata.version}"
        refs = [each["bom-ref"] for each in components if each["name"] in direct]
        document = {
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, own + pinned)}",
            "version": 1,
            "metadata": {
                "component": {
                    "type": "application",
                    "bom-ref": own,
                    "name": core.name,
                    "version": self.metadata.version,
                    "purl": own,
                    "licenses": [{"expression": core.license_expression}],
                }
            },
            "components": components,
            "dependencies": [{"ref": own, "dependsOn": refs}],
        }
        file = Path(self.root, _SBOM)
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        file.chmod(0o644)
        build_data["sbom_files"].append(_SBOM)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
