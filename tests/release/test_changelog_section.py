"""The notes of a release are the changelog's section of its version."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
_SPEC = spec_from_file_location("changelog", ROOT / "release/changelog.py")
changelog = module_from_spec(_SPEC)
_SPEC.loader.exec_module(changelog)

TEXT = """\
# Changelog

About this file.

## Unreleased

## [1.10.0] - 2027-01-02

### Added

- A rule. See [rules](docs/rules/index.md), [the site](https://docs.example/x) and [below](#fixed).

```
## 1.1.0 - 2026-12-01
```

## 1.1.0 - 2026-12-02

- A fix.

## 1.0.0
"""


def test_a_section_ends_at_the_next_version():
    """A section has all lines between its heading and the next one, without the heading."""
    assert changelog.section(TEXT, "1.1.0") == "- A fix.\n"
    found = changelog.section(TEXT, "1.10.0")
    assert found.startswith("### Added\n\n- A rule.")
    # A heading in a code block is no heading.
    assert found.endswith("```\n## 1.1.0 - 2026-12-01\n```\n")


def test_links_lead_to_the_files_of_the_tag():
    """Links that are relative to the repository become addresses; the others are unchanged."""
    found = changelog.section(TEXT, "1.10.0", address="https://forge.example/a/tfcert/blob/v1.10.0")
    assert "(https://forge.example/a/tfcert/blob/v1.10.0/docs/rules/index.md)" in found
    assert "[the site](https://docs.example/x) and [below](#fixed)" in found


@pytest.mark.parametrize(
    ("text", "version", "says"),
    [
        (TEXT, "1.1", "no section of version 1.1"),
        (TEXT, "1x1.0", "no section"),
        (TEXT, "2.0.0", "no section of version 2.0.0"),
        (TEXT, "1.0.0", "has no text"),
        (TEXT.replace("1.10.0", "1.1.0"), "1.1.0", "2 sections of version 1.1.0"),
        ("## 1.0.0 - 2026-12-01\n\n### Added\n\n### Fixed\n", "1.0.0", "has no text"),
    ],
)
def test_there_is_exactly_one_section_with_text(text, version, says):
    """A version without a section, with two, or with headings alone is an error."""
    with pytest.raises(changelog.ChangelogError, match=says):
        changelog.section(text, version)


_LINES = st.lists(
    st.text("ab#- `1.", min_size=1, max_size=8).filter(
        lambda line: not line.startswith(("## ", "```")) and "```" not in line and line.strip()
    ),
    min_size=1,
    max_size=4,
)
_VERSIONS = st.tuples(*[st.integers(0, 12)] * 3).map(lambda parts: ".".join(map(str, parts)))


@given(st.dictionaries(_VERSIONS, _LINES, min_size=1, max_size=5))
def test_each_section_is_found_among_others(sections):
    """Whatever the other versions are, a version's section is the text below its heading."""
    text = "# Changelog\n\n" + "".join(
        f"## {version} - 2026-01-01\n\n- x\n{chr(10).join(lines)}\n\n"
        for version, lines in sections.items()
    )
    for version, lines in sections.items():
        assert changelog.section(text, version) == "\n".join(["- x", *lines]).strip() + "\n"


def test_the_changelog_of_the_next_release_has_text(tmp_path):
    """Renaming `Unreleased` to a version is all that a release needs of CHANGELOG.md."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = text.replace("## Unreleased", "## 9.9.9 - 2027-01-01", 1)
    notes = changelog.section(released, "9.9.9")
    assert notes.startswith("### ")
    assert "## Unreleased" not in notes
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "9.9.9"\n')
    (tmp_path / "CHANGELOG.md").write_text(released, encoding="utf-8")
    for tag, says in (
        ("v9.9.8", "the tag is v9.9.8, and pyproject.toml has version 9.9.9"),
        ("9.9.9", "the tag is 9.9.9"),
        ("v9.9.9", "run `make dist`"),
    ):
        done = subprocess.run(
            [sys.executable, ROOT / "release/papers.py", tag],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 1
        assert says in done.stderr
        assert not (tmp_path / "papers").exists()
