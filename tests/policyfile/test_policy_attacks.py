"""Hostile policy files: each is one error line with exit code 2, within seconds."""

from __future__ import annotations

import os
import time

import pytest

from checker.model.conditions import glob, path_glob

LARGE = 300 * 1024


def deep(opening, closing, count):
    """Return a value in this many brackets."""
    return f"threshold_days = {opening * count}1{closing * count}\n"


TEXTS = {
    "a large file": ("#" * LARGE, "is larger than 128 KiB"),
    "a key of 1,000 parts": (".".join(["a"] * 1000) + " = 1\n", "too many parts"),
    "a quoted key of 1,000 parts": (".".join(['"a"'] * 1000) + " = 1\n", "too many parts"),
    "a key of 60,000 parts": (".".join(["a"] * 60_000) + " = 1\n", "too many parts"),
    "a table of 1,000 parts": (f"[{'.'.join(['a'] * 1000)}]\n", "too many parts"),
    "an inline table of 1,000 parts": (
        f"name = {{{'.'.join(['a'] * 1000)} = 1}}\n",
        "too many parts",
    ),
    "parts behind a text of several lines": (
        'name = {a = """\n""", ' + ".".join(["a"] * 60_000) + ' = 1} # "\n',
        "policy.toml",
    ),
    "a text of escaped quotes that does not end": ('name = "' + '\\"' * 60_000 + "\n", "not TOML"),
    "many keys of many parts": (
        "".join(f"k{number}.{'.'.join('a' * 30)} = 1\n" for number in range(1500)),
        "too many parts",
    ),
    "many keys of the most parts": (
        "".join(f"k{number}.{'.'.join('a' * 15)} = 1\n" for number in range(3000)),
        "unknown key",
    ),
    "300 scopes": ('[[scope]]\naddress = "a.b"\nthreshold_days = 1\n' * 300, "has 300 scopes"),
    "300 patterns in one scope": (
        "[[scope]]\nthreshold_days = 1\nstage = [" + '"a*",' * 300 + "]\n",
        "has 300 patterns",
    ),
    "long patterns": (
        "[[scope]]\nthreshold_days = 1\napi = [" + ('"' + "?" * 1000 + '",') * 20 + "]\n",
        "characters in patterns",
    ),
    "20,000 scopes": ("[[scope]]\n" * 20_000, "larger than 128 KiB"),
    "5,000 exemptions": ("[[exemption]]\n" * 5_000, "has 5000 entries"),
    "an array of 30,000 patterns": (
        "[[scope]]\naddress = [" + '"*",' * 30_000 + "]\nthreshold_days = 1\n",
        "has 30000 entries",
    ),
    "a pattern of 100,000 stars": (
        '[[scope]]\naddress = "' + "*a" * 50_000 + '"\nthreshold_days = 1\n',
        "has 100000 characters",
    ),
    "arrays in arrays": (deep("[", "]", 300), "an array"),
    "arrays in arrays without end": (
        deep("[", "]", 60_000),
        "is nested too deeply or has a number that is too long",
    ),
    "tables in tables": (deep("{a=", "}", 300), "a table"),
    "tables in tables without end": (
        deep("{a=", "}", 30_000),
        "is nested too deeply or has a number that is too long",
    ),
    "a number of 100,000 digits": (
        f"threshold_days = {'9' * 100_000}\n",
        "is nested too deeply or has a number that is too long",
    ),
    "a hexadecimal number of 100,000 digits": (
        f"threshold_days = 0x{'f' * 100_000}\n",
        "is nested too deeply or has a number that is too long",
    ),
    "a number of 100,000 digits after a text that ends with quotes": (
        f'name = """a""""\nthreshold_days = 0b{"1" * 100_000}\n',
        "is nested too deeply or has a number that is too long",
    ),
    "a key of 30,000 parts after a text that ends with quotes": (
        f"name = '''a''''\n{'a.' * 30_000}a = 1\n",
        "has a key of too many parts",
    ),
    "bytes that are no text": ("\udcff", "not UTF-8"),
}


@pytest.fixture
def judged(story, tfcert):
    """Return a function that checks with a policy file, expects its refusal, and gives the error
    line.
    """

    def run(path):
        begun = time.monotonic()
        done = tfcert("check", "terraform.tfstate", "--offline", "--policy", path, cwd=story)
        assert (done.returncode, done.stdout) == (2, b""), done.stderr.decode()
        assert time.monotonic() - begun < 30
        said = done.stderr.decode()
        assert said.count("\n") == 1
        assert "Traceback" not in said
        assert len(said) < 2000
        return said

    return run


@pytest.mark.parametrize("name", TEXTS)
def test_a_hostile_policy_is_one_error(story, judged, name):
    """A hostile policy text is one error, directly and through `extends`."""
    text, message = TEXTS[name]
    (story / "policy.toml").write_text(text, encoding="utf-8", errors="surrogateescape")
    assert any(part in judged("policy.toml") for part in message.split("|"))
    (story / "ours.toml").write_text('extends = "policy.toml"\n')
    assert any(part in judged("ours.toml") for part in message.split("|"))


@pytest.mark.parametrize(
    "target",
    ["/dev/zero", "/dev/stdin", "fifo", ".", "nowhere.toml", "/proc/self/mem", "loop.toml"],
)
def test_a_policy_that_is_no_file_is_one_error(story, judged, target):
    """A device, a FIFO, a folder, a missing file or a loop of links is one error, directly and
    through `extends`.
    """
    os.mkfifo(story / "fifo")
    (story / "loop.toml").symlink_to("loop.toml")
    judged(target)
    (story / "ours.toml").write_text(f'extends = "{target}"\n')
    assert judged("ours.toml").startswith("tfcert: error: ours.toml:1: ")


def test_a_chain_of_files_has_an_end(story, judged):
    """A file that extends itself, or a chain that is too long or too large, is an error."""
    (story / "a.toml").write_text('extends = "b.toml"\n')
    (story / "b.toml").write_text('extends = "./../story/a.toml"\n')
    assert "extends itself" in judged("a.toml")
    for number in range(4):
        (story / f"large{number}.toml").write_text(
            f'extends = "large{number + 1}.toml"\n' + "#" * 50_000
        )
    (story / "large4.toml").write_text("")
    assert "together with what it extends" in judged("large0.toml")
    for number in range(50):
        (story / f"{number}.toml").write_text(f'extends = "{number + 1}.toml"\n')
    assert "extends more than 9 files" in judged("0.toml")


@pytest.mark.parametrize(
    "pattern", ["*a" * 500 + "*b", "**a" * 400 + "b", "?*" * 400 + "b", "*a*" * 300 + "?b"]
)
@pytest.mark.parametrize("compiled", [glob, path_glob])
def test_no_pattern_explodes(compiled, pattern):
    """A pattern with many stars is matched within seconds."""
    begun = time.monotonic()
    assert not compiled(pattern).fullmatch("a" * 1000)
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("a*b*c", "aXbXbc", True),
        ("a*bb*b", "abbb", True),
        ("a*bb*b", "abb", False),
        ("*?b", "ab", True),
        ("*?b", "b", False),
        ("a**a", "aa", True),
        ("", "", True),
        ("*", "", True),
        ("a[0]*", "a[0].b\nc", True),
        ("a.c", "abc", False),
    ],
)
def test_what_a_pattern_means(pattern, text, fits):
    """In a pattern, `*` matches any text, `?` one character, and all else itself."""
    assert bool(glob(pattern).fullmatch(text)) is fits
