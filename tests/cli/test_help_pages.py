"""The help pages: groups of options, full descriptions, and at most 80 columns."""

from __future__ import annotations

import re

import pytest
import typer

from checker.cli.app import VERBS, build
from checker.cli.usage import GROUPS
from checker.cli.usage.help_page import first_sentence

FEW = 5


def commands(command=None, path=("tfcert",), parent=None):
    """Yield each command with its path and context."""
    command = command or typer.main.get_command(build())
    context = command.context_class(command, parent, path[-1], **command.context_settings)
    yield path, command, context
    if hasattr(command, "list_commands"):
        for name in command.list_commands(context):
            yield from commands(command.get_command(context, name), (*path, name), context)


ALL = [(path, command, context) for path, command, context in commands()]
IDS = [" ".join(path) for path, _, _ in ALL]


def flat(text):
    """Return a text without its line breaks."""
    return " ".join(text.split())


@pytest.mark.parametrize(("path", "command", "context"), ALL, ids=IDS)
def test_a_help_page_fits_80_columns_and_cuts_nothing(tfcert, path, command, context):
    """Each description of an option, argument and command is complete, in lines of at most 80
    columns.
    """
    done = tfcert(*path[1:], "--help", environment={"COLUMNS": "80"})
    assert (done.returncode, done.stderr) == (0, b"")
    page = done.stdout.decode()
    assert max(map(len, page.splitlines())) <= 80
    assert "..." not in page.replace("]...", "").replace("COMMAND [ARGS]...", "")
    assert flat(command.help) in flat(page)
    for parameter in command.get_params(context):
        name, text = parameter.get_help_record(context)
        assert flat(name) in flat(page)
        assert flat(text) in flat(page)
    if hasattr(command, "summaries"):
        for name, summary in command.summaries(context):
            assert re.search(rf"^  {name} ", page, re.MULTILINE)
            assert f"{flat(summary)}." in flat(page)
    assert tfcert(*path[1:], "-h", environment={"COLUMNS": "80"}).stdout == done.stdout


@pytest.mark.parametrize(("path", "command", "context"), ALL, ids=IDS)
def test_every_option_of_a_long_page_is_in_a_group(path, command, context):
    """In a command with more than five options, each except the help is in a group."""
    options = [each for each in command.get_params(context) if each.param_type_name == "option"]
    if len(options) > FEW:
        groups = {
            each.opts[0]: each.rich_help_panel for each in options if "--help" not in each.opts
        }
        assert {name: group for name, group in groups.items() if group not in GROUPS} == {}


def test_the_sections_are_in_one_order(tfcert):
    """The sections of `check --help` are in the order of the groups; a short page has one
    section.
    """
    page = tfcert("check", "--help").stdout.decode()
    titles = re.findall(r"^(\w[\w ]*):$", page, re.MULTILINE)
    assert titles == ["Arguments", "Sources", "Policy", "Probe", "AWS", "Output", "Options"]
    short = tfcert("demo", "--help").stdout.decode()
    assert re.findall(r"^(\w[\w ]*):$", short, re.MULTILINE) == ["Options"]


def test_the_list_of_commands_says_what_their_pages_say():
    """`tfcert --help` lists each command with the first sentence of its own help page."""
    own = {path[1]: first_sentence(command.help) for path, command, _ in ALL if len(path) == 2}
    assert own == VERBS


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_the_version_has_a_short_option(tfcert, option):
    """`-V` and `--version` print the name and the version only."""
    done = tfcert(option)
    assert done.returncode == 0
    assert re.fullmatch(rb"tfcert \d+\.\d+\.\d+\n", done.stdout)
