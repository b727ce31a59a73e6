"""Which files are configuration, by the end of their names; the one list of them.

Source: terraform internal/configs/parser_config_dir.go; OpenTofu 1.8 and later also read .tofu and .tofu.json.
"""

from __future__ import annotations

SUFFIXES = (".tf", ".tf.json", ".tofu", ".tofu.json")
