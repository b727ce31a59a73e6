"""Which files are configuration, by the end of their names; the one list of them.

Source: terraform internal/configs/parser_config_dir.go; OpenTofu 1.8 and later also read .tofu and .tofu.json.
"""

from __future__ import annotations

NATIVE = (".tf", ".tofu")
JSON = (".tf.json", ".tofu.json")
SUFFIXES = (*NATIVE, *JSON)
