"""What a release makes of the checkout: its papers, and the steps of the Containerfile, run without
an engine.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FILE = ROOT / "Containerfile"
INSTRUCTIONS = {"ARG", "FROM", "ENV", "COPY", "RUN", "LABEL", "USER", "WORKDIR", "ENTRYPOINT", "CMD"}  # fmt: skip
SECONDS = 120


def run(*words, **more):
    """Run a program for a bounded time."""
    return subprocess.run(
        [*map(str, words)], capture_output=True, text=True, check=False, timeout=SECONDS, **more
    )


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """Return a copy of the files that the build reads, with the wheel and the sdist in dist/."""
    top = tmp_path_factory.mktemp("checkout")
    listed = run(
        *("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"), cwd=ROOT
    ).stdout
    for name in filter(None, listed.split("\0")):
        if not name.startswith(("tests/", "fixtures/", "benchmarks/")) and (ROOT / name).is_file():
            (top / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, top / name)
    run("git", "init", "-q", cwd=top)
    done = run(sys.executable, "-m", "hatchling", "build", "-d", "dist", cwd=top)
    assert done.returncode == 0, done.stderr
    return top


def test_the_papers_fit_to_the_build(checkout):
    """The papers are the changelog's notes, the wheel's SBOM, the hashes, and checksums of all."""
    log = checkout / "CHANGELOG.md"
    log.write_text(
        "# Changelog\n\n## 0.1.0 - 2026-12-01\n\n- See [gates](docs/gates.md).\n", encoding="utf-8"
    )
    script = (
        sys.executable,
        ROOT / "release/papers.py",
        "v0.1.0",
        "https://forge.example/blob/v0.1.0",
    )
    done = run(*script, cwd=checkout)
    assert done.returncode == 0, done.stderr
    papers = checkout / "papers"
    assert (papers / "notes.md").read_text() == (
        "- See [gates](https://forge.example/blob/v0.1.0/docs/gates.md).\n"
    )
    assert (papers / "hashes.txt").read_bytes() == (ROOT / "hashes.txt").read_bytes()
    (wheel,) = (checkout / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        sbom = archive.read("tfcert-0.1.0.dist-info/sboms/tfcert.cdx.json")
    assert (papers / "tfcert.cdx.json").read_bytes() == sbom
    # What actions/attest requires of a CycloneDX document.
    assert {"bomFormat", "serialNumber", "specVersion"} <= set(json.loads(sbom))

    flat = checkout / "downloaded"
    flat.mkdir()
    for file in (*(checkout / "dist").iterdir(), *papers.iterdir()):
        shutil.copy(file, flat)
    checked = run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=flat)
    assert (checked.returncode, checked.stdout.count(": OK")) == (0, 4)
    (flat / "hashes.txt").write_bytes(b"other")
    assert run("sha256sum", "--check", "SHA256SUMS", cwd=flat).returncode == 1

    # A wheel of another project, or one more file, is refused, and nothing is written.
    shutil.rmtree(papers)
    (checkout / "dist/other.whl").touch()
    done = run(*script, cwd=checkout)
    (checkout / "dist/other.whl").unlink()
    assert (done.returncode, "other.whl" in done.stderr, papers.exists()) == (1, True, False)
    kept = wheel.read_bytes()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tfcert-0.1.0.dist-info/METADATA", "")
    done = run(*script, cwd=checkout)
    wheel.write_bytes(kept)
    assert (done.returncode, "has no tfcert.cdx.json" in done.stderr) == (1, True)
    assert not papers.exists()


def test_the_formula_has_the_sdist_of_the_release(checkout):
    """The formula names the version and the hash of the sdist in dist/."""
    done = run(sys.executable, ROOT / "release/formula.py", cwd=checkout)
    assert done.returncode == 0, done.stderr
    (sdist,) = (checkout / "dist").glob("*.tar.gz")
    digest = run("sha256sum", sdist).stdout.split()[0]
    assert f'sha256 "{digest}"' in done.stdout
    assert f"/releases/download/v0.1.0/{sdist.name}" in done.stdout
    assert done.stdout.count(" do") + 1 + 1 == len(
        re.findall(r"^\s*end$", done.stdout, re.MULTILINE)
    )
    assert (
        run(sys.executable, ROOT / "release/formula.py", cwd=checkout / "release").returncode == 1
    )


def test_the_build_tools_are_pinned_by_hash():
    """hashes-build.txt has the build backend's versions, a hash of each package, and no address."""
    text = (ROOT / "hashes-build.txt").read_text()
    required = re.search(
        r"^requires = \[(.+?)\]", (ROOT / "pyproject.toml").read_text(), re.MULTILINE
    )[1]
    pinned = set(re.findall(r"^[\w.-]+==[\w.]+", text, re.MULTILINE))
    assert set(re.findall(r'"(.+?)"', required)) <= pinned
    assert pinned <= set((ROOT / "constraints.txt").read_text().splitlines())
    assert "://" not in text
    for part in filter(str.strip, re.split(r"^(?=\S)", text, flags=re.MULTILINE)):
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", part), part


def test_nothing_is_installed_without_a_hash():
    """Each installation of the Containerfile is by hash, or of the wheel alone."""
    commands = [each for name, text in instructions() if name == "RUN" for each in text.split("&&")]
    options = [set(re.findall(r"--[\w-]+", each)) for each in commands if " install " in each]
    assert options == [
        {"--python", "--require-hashes", "--requirement"},
        {"--python", "--no-index", "--no-deps"},
    ]


def test_hadolint_finds_nothing():
    """hadolint, with all its rules, finds nothing in the Containerfile."""
    hadolint = Path(sys.executable).with_name("hadolint")
    done = run(
        hadolint, "--no-color", "--disable-ignore-pragma", "--failure-threshold", "style", FILE
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stdout


def instructions():
    """Return the instructions of the Containerfile, each with its text on one line."""
    lines = [line for line in FILE.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", " ", "\n".join(lines))
    found = [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]
    assert {name for name, _ in found} <= INSTRUCTIONS
    return found


class Image:
    """The stages of the Containerfile, carried out below a folder.

    Each path below /opt is moved below `root`. The interpreter is the one of the tests; pip is uv
    with pip's options, which takes a tenth of the time.
    """

    def __init__(self, top, context):
        self.top, self.context, self.root = top, context, top / "root"
        self.stages, self.environment, self.settings = {}, {}, {}
        self.programs = top / "programs"
        self.programs.mkdir(parents=True)
        self._program("python", f'exec "{sys.executable}" "$@"')
        uv = Path(sys.executable).with_name("uv")
        self._program(
            "pip",
            'test "$1 $3" = "--python install" || exit 64\npython="$2"; shift 3\n'
            f'exec "{uv}" pip install --quiet --python "$python" '
            '${PIP_ONLY_BINARY:+--only-binary "$PIP_ONLY_BINARY"} "$@"',
        )

    def _program(self, name, text):
        (self.programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (self.programs / name).chmod(0o755)

    def placed(self, text):
        """Return a text with its paths below /opt moved below the root."""
        return re.sub(r"(?<![\w/.])/opt/", f"{self.root}/opt/", text)

    def build(self):
        """Carry out all instructions."""
        name = None
        for instruction, text in instructions():
            match instruction:
                case "FROM":
                    if name is not None:
                        self.stages[name] = self.root.rename(self.top / f"stage-{name}")
                    assert text.startswith("${BASE}")
                    name = text.partition(" AS ")[2] or "last"
                    self.root.mkdir()
                    self.environment, self.settings = {}, {"USER": "0:0"}
                case "ENV":
                    for each in shlex.split(text):
                        key, value = each.split("=", 1)
                        self.environment[key] = self.placed(value)
                case "COPY":
                    self.copy(shlex.split(text))
                case "RUN":
                    done = self.shell(text)
                    assert done.returncode == 0, (text, done.stderr)
                case _:
                    self.settings[instruction] = text

    def copy(self, words):
        """Copy files of the context, or of another stage, to the root."""
        source = self.context
        if words[0].startswith("--from="):
            source = self.stages[words.pop(0).removeprefix("--from=")]
        *patterns, target = words
        place = Path(self.placed(target))
        for pattern in patterns:
            found = sorted(source.glob(pattern.lstrip("/")))
            assert found, pattern
            for path in found:
                into = place / path.name if target.endswith("/") else place
                into.parent.mkdir(parents=True, exist_ok=True)
                assert run("cp", "-al", path, into).returncode == 0

    def shell(self, text):
        """Run a line in the shell of the image."""
        own = self.environment.get("PATH", "$PATH").replace("$PATH", str(self.programs))
        kept = {key: value for key, value in os.environ.items() if key in KEPT or "INDEX" in key}
        return run(
            *("sh", "-c", self.placed(text)),
            env={**kept, **self.environment, "PATH": f"{own}:/usr/bin:/bin"},
            cwd=self.root,
        )


KEPT = ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "UV_CACHE_DIR", "UV_CONFIG_FILE", "SSL_CERT_FILE")  # fmt: skip


@pytest.fixture(scope="module")
def image(checkout, tmp_path_factory):
    """Return the image of the Containerfile, as its build leaves it."""
    made = Image(tmp_path_factory.mktemp("image"), checkout)
    made.build()
    return made


def contents(folder):
    """Return each file and folder below a folder, with size and time."""
    found = {}
    for path in folder.rglob("*"):
        status = path.lstat()
        found[path.relative_to(folder).as_posix()] = (status.st_size, status.st_mtime_ns)
    return found


@cache
def confined(user):
    """Return the command that makes all file systems read-only and takes a user's rights.

    It needs a mount namespace. The user may read each file, as the interpreter of the tests can be
    in a folder of root's. Where there is no namespace, the list is empty.
    """
    number, group = user.split(":")
    rights = ""
    if os.getuid() == 0:
        rights = (
            f"setpriv --reuid {number} --regid {group} --clear-groups --no-new-privs"
            " --inh-caps -all,+dac_read_search --ambient-caps -all,+dac_read_search"
        )
    script = (
        "mount --make-rprivate / && "
        "for each in $(cut -d ' ' -f 2 /proc/mounts | sort -u); do "
        "mount -o remount,bind,ro $each 2>/dev/null; done; "
        f'! touch "$0" 2>/dev/null && exec {rights} "$@"'
    )
    options = ["--mount"] if os.getuid() == 0 else ["--mount", "--map-root-user"]
    command = ["unshare", *options, "sh", "-c", script]
    if shutil.which("unshare") is None or shutil.which("setpriv") is None:
        return []
    with_file = [*command, str(Path(__file__).with_name("never-written"))]
    return with_file if run(*with_file, "true").returncode == 0 else []


def start(image, *arguments, cwd):
    """Start the image's program as its user, with a read-only root file system."""
    program = image.placed(" ".join(json.loads(image.settings["ENTRYPOINT"])))
    guard = confined(image.settings["USER"])
    # Without a namespace the file system can be written: then nothing of the image may change.
    before = {} if guard else contents(image.root)
    done = run(
        *guard,
        *(program, *arguments),
        cwd=cwd,
        # An engine gives a user without an entry in /etc/passwd the root folder as home.
        env={"HOME": "/", "PATH": image.environment["PATH"].replace("$PATH", "/usr/bin:/bin")},
    )
    assert guard or contents(image.root) == before
    return done


def test_the_image_has_a_user_and_no_tools_of_the_build(image):
    """The last stage has only the installation, and its user is not root."""
    assert [path.name for path in (image.root / "opt").iterdir()] == ["tfcert"]
    number, group = image.settings["USER"].split(":")
    assert int(number) > 0
    assert int(group) > 0
    assert not list(image.root.rglob("pip"))
    assert json.loads(image.settings["ENTRYPOINT"]) == ["/opt/tfcert/bin/tfcert"]
    assert json.loads(image.settings["CMD"]) == ["--help"]
    assert image.settings["WORKDIR"] == "/src"


@pytest.mark.parametrize(
    ("command", "printed", "code"),
    re.findall(r"```console\n\$ tfcert (.*)\n([\s\S]*?)\[exit (\d)\]\n```", README),
    ids=lambda text: text.split()[0],
)
def test_it_runs_the_readme_on_a_read_only_file_system(image, fixtures, command, printed, code):
    """The image's user runs the README's commands where no file can be written, and leaves none."""
    done = start(image, *shlex.split(command), cwd=fixtures / "readme")
    assert (done.stdout, done.returncode) == (printed, int(code)), done.stderr


def test_the_grammar_is_in_the_image(image):
    """The image's user reads the shipped grammar, so that no start builds it."""
    python = image.root / "opt/tfcert/bin/python"
    code = "from checker.hcl import grammar; raise SystemExit(7 if grammar._shipped(grammar._BUILT) else 1)"
    done = run(*confined(image.settings["USER"]), python, "-I", "-c", code, cwd="/")
    assert done.returncode == 7, done.stderr


def test_a_package_with_another_hash_is_refused(checkout, tmp_path):
    """The build stops at a package that is not the one of hashes.txt."""
    context = tmp_path / "context"
    shutil.copytree(checkout / "dist", context / "dist")
    parts = re.split(r"^(?=\S)", (ROOT / "hashes.txt").read_text(), flags=re.MULTILINE)
    (part,) = [part for part in parts if part.startswith("typer==")]
    (context / "hashes.txt").write_text(re.sub(r"sha256:[0-9a-f]{64}", f"sha256:{'0' * 64}", part))
    with pytest.raises(AssertionError, match=r"(?i)hash"):
        Image(tmp_path / "image", context).build()
