"""Each command in the README and in docs/ is one that tfcert has, with options that it has."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from checker.cli.app import VERBS, build

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md"))
    # Decisions tell what was decided then, and are not kept current.
    if "decisions" not in path.parts
)
# In a block of code a command may go on after a backslash; in a sentence it is between backquotes.
BLOCKS = re.compile(r"^```(?:sh|console|yaml|make)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
IN_BLOCK = re.compile(r"^(?:\$ |.*[|;&] *)?tfcert (?!\d)((?:[^\n\\]|\\\n)*)", re.MULTILINE)
IN_LINE = re.compile(r"`tfcert ([^`\n]+)`")
OPTION = re.compile(r"--?[A-Za-z][\w-]*")


@pytest.fixture(scope="module")
def known():
    """The options of each command, by the words that call it."""
    import typer

    application = typer.main.get_command(build())
    context = typer.Context(application)
    found = {}
    for name in VERBS:
        command = application.get_command(context, name)
        commands = {(name,): command}
        for inner in command.list_commands(context) if hasattr(command, "list_commands") else ():
            commands[name, inner] = command.get_command(context, inner)
        for words, each in commands.items():
            options = {option for given in each.params for option in (*given.opts, *given.secondary_opts)}  # fmt: skip
            found[words] = options | {"-h", "--help"}
    found[()] = {"-h", "--help", "-V", "--version", "--verbose"}
    return found


def commands(text):
    """Yield the words of each command after `tfcert`."""
    for block in BLOCKS.findall(text):
        yield from IN_BLOCK.findall(block)
    yield from IN_LINE.findall(BLOCKS.sub("", text))


def words(command):
    """The words up to a pipe, a comment or the end."""
    command = re.split(r"\s[#|>;&]|\s-> ", command.replace("\\\n", " "))[0]
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_commands_and_options_that_exist(known, page):
    """A renamed verb or option would be in a page for ever."""
    for command in commands(page.read_text(encoding="utf-8")):
        given = words(command)
        verb = next((key for key in (tuple(given[:2]), tuple(given[:1])) if key in known), None)
        if verb is None:
            assert not given or given[0].startswith(("-", "…", "[", "VERB")), command
            verb = ()
        for word in given:
            option = OPTION.match(word)
            if option and option[0].startswith("--"):
                assert option[0] in known[verb], command


def test_the_pages_have_commands():
    """The patterns above find them: every verb is in some page."""
    every = [words(each) for page in PAGES for each in commands(page.read_text(encoding="utf-8"))]
    assert {given[0] for given in every if given} >= set(VERBS)
    assert len(every) > 100
