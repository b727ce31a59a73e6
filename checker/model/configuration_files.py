"""The files of a configuration: their suffixes, and the journal of a write.

Source: terraform internal/configs/parser_config_dir.go; OpenTofu 1.8 and later also read .tofu and
.tofu.json.
"""

from __future__ import annotations

NATIVE = (".tf", ".tofu")
JSON = (".tf.json", ".tofu.json")
SUFFIXES = (*NATIVE, *JSON)
# This file is in the root module's folder while tfcert replaces files.
JOURNAL = ".tfcert-journal"


def tofu_twin(name: str) -> str | None:
    """Return the name of the file that OpenTofu reads instead of a Terraform file, else None.

    OpenTofu skips `main.tf` if `main.tofu` exists, and `main.tf.json` if `main.tofu.json` exists.
    Terraform reads no .tofu file. Source: OpenTofu 1.8, internal/configs/parser_config_dir.go,
    filterTfPathsWithTofuAlternatives.
    """
    for end, tofu in ((".tf", ".tofu"), (".tf.json", ".tofu.json")):
        if name.endswith(end):
            return name.removesuffix(end) + tofu
    return None
