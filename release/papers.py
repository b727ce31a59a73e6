"""Write what a release has beside the wheel and the sdist: notes, SBOM, hashes and checksums.

    python release/papers.py v0.1.0 [ADDRESS]

It reads dist/, which `make dist` writes, and writes papers/. ADDRESS is the URL of the repository's
files at the tag, for the links of the notes. It fails if the tag, the version in pyproject.toml,
the changelog and the files in dist/ do not fit together.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tomllib
import zipfile
from pathlib import Path

from changelog import ChangelogError, section

_SBOM = "tfcert.cdx.json"
_HASHES = "hashes.txt"


class ReleaseError(ValueError):
    """Two things that belong to one release contradict each other."""


def write_papers(root: Path, tag: str, address: str | None) -> list[Path]:
    """Write papers/ for a tag, and return its files.

    Raises ReleaseError or ChangelogError before anything is written.
    """
    with (root / "pyproject.toml").open("rb") as stream:
        version = tomllib.load(stream)["project"]["version"]
    if tag != f"v{version}":
        raise ReleaseError(f"the tag is {tag}, and pyproject.toml has version {version}")
    notes = section((root / "CHANGELOG.md").read_text("utf-8"), version, address=address)
    dist, papers = root / "dist", root / "papers"
    wheel, sdist = f"tfcert-{version}-py3-none-any.whl", f"tfcert-{version}.tar.gz"
    files = sorted(path.name for path in dist.glob("*"))
    if files != [wheel, sdist]:
        raise ReleaseError(f"dist has {files}, not {wheel} and {sdist}: run `make dist`")
    sbom = _sbom(dist / wheel, version)

    shutil.rmtree(papers, ignore_errors=True)
    papers.mkdir()
    (papers / "notes.md").write_text(notes, "utf-8")
    (papers / _SBOM).write_bytes(sbom)
    shutil.copyfile(root / _HASHES, papers / _HASHES)
    summed = (dist / wheel, dist / sdist, papers / _HASHES, papers / _SBOM)
    lines = (f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in summed)
    (papers / "SHA256SUMS").write_text("".join(lines), "utf-8")
    return sorted(papers.iterdir())


def _sbom(wheel: Path, version: str) -> bytes:
    """Return the wheel's bill of materials, which has to be the one of this version."""
    with zipfile.ZipFile(wheel) as archive:
        try:
            text = archive.read(f"tfcert-{version}.dist-info/sboms/{_SBOM}")
        except KeyError as error:
            raise ReleaseError(f"{wheel.name} has no {_SBOM}: run `make dist`") from error
    component = json.loads(text)["metadata"]["component"]
    if (component["name"], component["version"]) != ("tfcert", version):
        raise ReleaseError(f"the SBOM in {wheel.name} is of version {component['version']}")
    return text


def main(arguments: list[str]) -> int:
    """Write papers/ below the current folder."""
    if len(arguments) not in {1, 2}:
        sys.stderr.write("usage: python release/papers.py TAG [ADDRESS]\n")
        return 2
    tag, address = (*arguments, None)[:2]
    try:
        files = write_papers(Path.cwd(), str(tag), address)
    except (ChangelogError, ReleaseError) as error:
        sys.stderr.write(f"release: {error}\n")
        return 1
    sys.stdout.write("".join(f"papers/{path.name}\n" for path in files))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
