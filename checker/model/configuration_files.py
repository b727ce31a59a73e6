"""Which files are configuration, by the end of their names; the one list of them.

Source: terraform internal/configs/parser_config_dir.go; OpenTofu 1.8 and later also read .tofu and .tofu.json.
"""

from __future__ import annotations

NATIVE = (".tf", ".tofu")
JSON = (".tf.json", ".tofu.json")
SUFFIXES = (*NATIVE, *JSON)


def tofu_twin(name: str) -> str | None:
    """Return the name of the file that OpenTofu would read instead of a file of Terraform's; None for any other file.

    OpenTofu leaves `main.tf` out where `main.tofu` is there, and `main.tf.json` where `main.tofu.json` is. Terraform reads no
    .tofu file. Source: OpenTofu 1.8, internal/configs/parser_config_dir.go, filterTfPathsWithTofuAlternatives.
    """
    for end, tofu in ((".tf", ".tofu"), (".tf.json", ".tofu.json")):
        if name.endswith(end):
            return name.removesuffix(end) + tofu
    return None
