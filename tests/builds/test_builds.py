"""The wheel and the sdist: what is in them, that two builds are the same, and that they install by hash."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 300
HASHES = ROOT / "hashes.txt"
_PINNED = re.compile(r"^([\w.-]+)==([^\s;]+)(?: ; ([^\\]+))?", re.MULTILINE)
EXTRAS = ("comment", "fleet", "formats")


def tracked():
    """The files of this repository that git tracks or would track, relative to its root."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout.decode()
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def build(top, number):
    """Copy the sources to a folder of their own, and build them with another clock, mask and seed.

    The command is the last one of `make dist`, with this Python.
    """
    sources = top / f"sources-{number}"
    for name in tracked():
        copy = sources / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((ROOT / name).read_bytes())
    subprocess.run(["git", "init", "-q", sources], check=True)
    (sources / ".gitignore").write_bytes((ROOT / ".gitignore").read_bytes())
    environment = {
        **os.environ,
        "PYTHONHASHSEED": str(number),
        "TZ": f"Etc/GMT+{number}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "SOURCE_DATE_EPOCH": f"{number}700000000",
    }
    # `make test` tells its children that they are below a make, which then names its folder.
    steps = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", "dist"],
        cwd=sources,
        env={name: text for name, text in os.environ.items() if not name.startswith("MAKE")},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    done = subprocess.run(
        shlex.split(steps[-1].replace("build/tools/bin/python", shlex.quote(sys.executable))),
        cwd=sources,
        env=environment,
        umask=(0o022, 0o027)[number - 1],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "not shipped" not in done.stderr + done.stdout
    return sources / "dist"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Two builds of the same sources."""
    top = tmp_path_factory.mktemp("builds")
    return [build(top, number) for number in (1, 2)]


@pytest.fixture(scope="module")
def wheel(built):
    (found,) = built[0].glob("*.whl")
    return found


def test_two_builds_are_the_same(built):
    """Two builds in other folders, with another seed, time zone and mask, have the same bytes."""
    first, second = ({file.name: file.read_bytes() for file in out.iterdir()} for out in built)
    assert sorted(first) == ["tfcert-0.1.0-py3-none-any.whl", "tfcert-0.1.0.tar.gz"]
    assert sorted(second) == sorted(first)
    for name, data in first.items():
        assert second[name] == data, name


def test_the_wheel_has_the_package_and_nothing_else(wheel):
    """The wheel has the tracked files of the package, the policies, the rules' pages, two gates, the grammar and its metadata."""
    files = {name for name in tracked() if name.startswith("checker/")}
    files |= {
        name.replace("policies/", "checker/packs/", 1)
        for name in tracked()
        if name.startswith("policies/")
    }
    files |= {
        name.replace("docs/rules/", "checker/rule_pages/", 1)
        for name in tracked()
        if name.startswith("docs/rules/")
    }
    files |= {
        "checker/gates/github/pull-request.yml",
        "checker/gates/gitlab/tfcert.gitlab-ci.yml",
        "checker/hcl/built/digest.py",
        "checker/hcl/built/python_hcl2.grammar",
    }
    about = "tfcert-0.1.0.dist-info"
    files |= {
        f"{about}/{name}"
        for name in (
            "METADATA",
            "RECORD",
            "WHEEL",
            "entry_points.txt",
            "licenses/LICENSE",
            "licenses/NOTICE",
            "sboms/tfcert.cdx.json",
        )
    }
    with zipfile.ZipFile(wheel) as archive:
        assert set(archive.namelist()) == files


def test_the_sdist_has_the_sources_of_the_package_and_no_others(built):
    """The sdist has no file of the tests, whatever its folder is called."""
    (sdist,) = built[0].glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.removeprefix("tfcert-0.1.0/") for name in archive.getnames()}
    top = {name for name in names if "/" not in name}
    assert top >= {"README.md", "hashes.txt", "hatch_build.py", "pyproject.toml", "LICENSE"}
    folders = ("checker/", "docs/gates/", "docs/rules/", "policies/")
    assert {name for name in names - top if not name.startswith(folders)} == set()
    assert names >= {name for name in tracked() if name.startswith(folders)}


def test_the_bill_of_materials_lists_what_the_hashes_pin(wheel):
    """The SBOM is valid CycloneDX 1.6, and has each package of hashes.txt with its version."""
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read("tfcert-0.1.0.dist-info/sboms/tfcert.cdx.json").decode()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    found = json.loads(text)
    pinned = {(canonicalize_name(name), number) for name, number, _ in _pinned()}
    assert {(each["name"], each["version"]) for each in found["components"]} == pinned
    (own,) = found["dependencies"]
    direct = {canonicalize_name(name) for name, _ in _needed(("",), deep=False)}
    assert {ref.split("/")[1].split("@")[0] for ref in own["dependsOn"]} == direct


def _pinned():
    return _PINNED.findall(HASHES.read_text())


def _needed(extras, *, deep=True):
    """Yield name and installed version of what tfcert needs here with these extras."""
    seen, waiting = set(), [("tfcert", tuple(extras))]
    while waiting:
        name, wanted = waiting.pop()
        for line in distribution(name).requires or ():
            requirement = Requirement(line)
            marker = requirement.marker
            if marker is not None and not any(
                marker.evaluate({"extra": extra}) for extra in ("", *wanted)
            ):
                continue
            key = canonicalize_name(requirement.name), tuple(sorted(requirement.extras))
            if key not in seen and key[0] != "tfcert":
                seen.add(key)
                yield key[0], distribution(requirement.name).version
                if deep:
                    waiting.append((requirement.name, key[1]))


def test_each_package_that_is_installed_has_its_hashes():
    """hashes.txt pins what tfcert and its extras need here, in the versions of constraints.txt, and has no address."""
    text = HASHES.read_text()
    assert "://" not in text
    assert "index" not in text
    pinned = {canonicalize_name(name): (number, marker) for name, number, marker in _pinned()}
    constraints = dict(
        line.split("==")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line and not line.startswith("#")
    )
    versions = {canonicalize_name(name): number for name, number in constraints.items()}
    needed = dict(_needed(EXTRAS))
    assert needed.items() <= {name: number for name, (number, _) in pinned.items()}.items()
    for name, (number, marker) in pinned.items():
        # The rest is for another platform.
        assert name in needed or marker, name
        assert versions.get(name, number) == number
    parts = re.split(r"^(?=\S)", text, flags=re.MULTILINE)
    for part in filter(str.strip, parts):
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", part), part.splitlines()[0]


@pytest.fixture(scope="module")
def place(wheel, tmp_path_factory):
    """An empty environment that took the pinned packages by hash, then the wheel."""
    folder = tmp_path_factory.mktemp("environment") / "place"
    uv("venv", "--python", sys.executable, folder)
    target = ("--python", folder / "bin" / "python")
    uv("pip", "install", *target, "--require-hashes", "--requirement", HASHES)
    uv("pip", "install", *target, "--no-deps", wheel)
    return folder


def uv(*words):
    run(Path(sys.executable).with_name("uv"), *words, "--quiet", expect=0)


def run(*words, expect, **more):
    """Run a program without PYTHONPATH; return what it prints, its errors too."""
    done = subprocess.run(
        words,
        env={name: text for name, text in os.environ.items() if name != "PYTHONPATH"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
        **more,
    )
    assert done.returncode == expect, done.stdout
    return done.stdout


def test_the_wheel_installs_by_hash_and_runs_the_readme(place):
    """The environment judges the README's state."""
    printed = run(
        place / "bin" / "tfcert",
        *["check", "terraform.tfstate", "--offline", "--as-of", "2026-11-24"],
        expect=1,
        cwd=ROOT / "fixtures" / "readme",
    )
    assert printed.strip() in (ROOT / "README.md").read_text()


def other_wheel(folder, name, *files):
    """Write a wheel of another package with empty files."""
    about = f"{name}-1.0.dist-info"
    texts = dict.fromkeys(files, "") | {
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    texts[f"{about}/RECORD"] = "".join(f"{file},,\n" for file in [*texts, f"{about}/RECORD"])
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file, text in texts.items():
            archive.writestr(file, text)
    return wheel


def test_tfcert_refuses_to_share_its_folder_with_another_package(place, tmp_path):
    """A package with a top-level `checker`, as folder or as module, makes each command exit 2.

    Packages with other names, and with such a folder further down, change nothing.
    """
    target = ("--python", place / "bin" / "python")
    uv(
        *("pip", "install", *target),
        other_wheel(tmp_path, "other_tools", "checker_tools/__init__.py", "other/checker/a.py"),
    )
    assert run(place / "bin" / "tfcert", "--version", expect=0) == "tfcert 0.1.0\n"
    for name, file in (("a_module", "checker.py"), ("a_folder", "checker/foreign.py")):
        uv("pip", "install", *target, other_wheel(tmp_path, name, file))
        printed = run(place / "bin" / "tfcert", "check", "--offline", expect=2, cwd=tmp_path)
        assert f"site-packages/checker: {name}-1.0 has files of this name too" in printed
        assert "install tfcert in an environment of its own" in printed
        uv("pip", "uninstall", *target, name)
    assert run(place / "bin" / "tfcert", "--version", expect=0) == "tfcert 0.1.0\n"
