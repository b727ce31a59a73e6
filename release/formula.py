"""Print a formula of Homebrew for the sdist in dist/: `make formula`.

It is a sketch for a tap of your own: nobody has run it with Homebrew. It installs the packages of
hashes.txt, which the sdist has, by their hashes.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

_REPOSITORY = "REPOSITORY-OF-TFCERT"
_FORMULA = """\
class Tfcert < Formula
  desc "Finds and rotates client certificates of API Gateway in Terraform"
  homepage "{repository}"
  url "{repository}/releases/download/v{version}/tfcert-{version}.tar.gz"
  sha256 "{digest}"
  license "Apache-2.0"

  depends_on "python@3.11"

  def install
    system Formula["python@3.11"].opt_bin/"python3.11", "-m", "venv", libexec
    pip = libexec/"bin/pip"
    system pip, "install", "--require-hashes", "--requirement", "hashes.txt"
    system pip, "install", "--no-deps", "."
    bin.install_symlink libexec/"bin/tfcert"
  end

  test do
    assert_match version.to_s, shell_output("#{{bin}}/tfcert --version")
  end
end
"""


def formula(sdist: Path) -> str:
    """Return the formula for an sdist, with its version and hash."""
    version = sdist.name.removeprefix("tfcert-").removesuffix(".tar.gz")
    digest = hashlib.sha256(sdist.read_bytes()).hexdigest()
    return _FORMULA.format(repository=_REPOSITORY, version=version, digest=digest)


def main() -> int:
    """Print the formula for the one sdist in dist/."""
    found = sorted(Path("dist").glob("tfcert-*.tar.gz"))
    if len(found) != 1:
        sys.stderr.write(f"formula: dist has {len(found)} sdists, not one: run `make dist`\n")
        return 1
    sys.stdout.write(formula(found[0]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
