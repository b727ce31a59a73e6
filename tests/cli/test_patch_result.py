"""The result of `patch` is computed before anything is written or printed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from checker.cli.load import load
from checker.cli.output import warn_unverified
from checker.cli.patch_output import emit
from checker.cli.patch_result import (
    Directory,
    InPlace,
    Request,
    Stdout,
    one_configuration,
    patch_result,
)
from checker.errors import UsageError
from checker.model.observation import Observations, Unanswered
from checker.model.policy import Policy, Run
from checker.pipeline import check

DAY_12 = datetime(2026, 11, 24, tzinfo=UTC)
LONG_BEFORE = datetime(2026, 1, 1, tzinfo=UTC)


def request(phase="next", out=None, *, write=False):
    """Return the request that these options of the command line make."""
    return Request.of(
        phase=phase,
        only=(),
        name=None,
        even_if_not_due=False,
        trust_bundle=False,
        out=out,
        write=write,
    )


@pytest.fixture
def loaded(story, monkeypatch):
    """Return the README's state with its configuration, read in its folder."""
    monkeypatch.chdir(story)
    return load(("terraform.tfstate",), config=None, tool=None)


def result_of(loaded, wish, as_of=DAY_12):
    """Compute the result without AWS."""
    configuration = one_configuration(loaded)
    return patch_result(loaded, configuration, None, wish, policy=Policy(), as_of=as_of)


def tree(folder):
    """Return the bytes of every file below a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_computing_a_result_writes_and_prints_nothing(loaded, story, capfd):
    """Computing a result writes and prints nothing; each destination is a value."""
    before = tree(story)
    kinds = [
        [type(write) for write in result_of(loaded, wish).writes]
        for wish in (request(), request(out="patches"), request(write=True))
    ]
    both = result_of(loaded, request(out="patches", write=True))
    assert kinds == [[Stdout], [Directory], [InPlace]]
    assert [type(write) for write in both.writes] == [InPlace, Directory]
    assert tree(story) == before
    assert capfd.readouterr() == ("", "")


def test_stdout_gets_the_text_of_the_result_and_its_lines(loaded, capfdbinary):
    """`emit` prints exactly the text of the result, then each line as a comment."""
    result = result_of(loaded, request())
    emit(result, loaded)
    (stdout,) = result.writes
    lines = "".join(f"# {line}\n" for line in result.lines).encode()
    assert stdout.text.count(b"diff --git") == 1
    assert [path.name for path in stdout.edited] == ["certificate.tf"]
    assert capfdbinary.readouterr().out == stdout.text + lines


def test_a_folder_gets_the_files_of_the_result(loaded, story):
    """`emit` writes the patch of each phase and the runbook, byte by byte."""
    result = result_of(loaded, request("all", out="patches"))
    (directory,) = result.writes
    assert [path.name for path in directory.files] == [
        "1-introduce.patch",
        "2-repoint.patch",
        "3-retire.patch",
        "RUNBOOK.md",
    ]
    emit(result, loaded)
    assert {path: (story / path).read_bytes() for path in directory.files} == directory.files


def test_in_place_edits_only_the_files_of_the_phase(loaded, story):
    """`emit` replaces the text of each change and nothing else."""
    before = tree(story)
    result = result_of(loaded, request(write=True))
    (edit,) = result.writes
    emit(result, loaded)
    assert tree(story) == before | {change.path: change.after for change in edit.patch.changes}


def test_a_phase_that_builds_on_an_unwritten_one_is_not_emitted(loaded, story):
    """`emit` refuses a phase that builds on an unwritten one, and writes nothing."""
    before = tree(story)
    result = result_of(loaded, request("retire", write=True))
    with pytest.raises(UsageError, match="builds on a phase"):
        emit(result, loaded)
    assert tree(story) == before


def test_nothing_to_do_writes_no_runbook(loaded, story, capfd):
    """If nothing is due, no runbook and no folder is written, and the exit code is 0."""
    result = result_of(loaded, request(out="patches"), as_of=LONG_BEFORE)
    emit(result, loaded)
    assert (result.empty, result.exit_code, (story / "patches").exists()) == (True, 0, False)
    assert "no runbook is written" in capfd.readouterr().out


def test_one_reason_for_two_certificates_is_printed_once(loaded, capfd):
    """One reason for two certificates is printed once, whatever words it has."""
    reason = "the role could not be checked: expired"

    def observe(wanted, surveys, stages, drift):
        why = Unanswered(reason=reason, remedy="log in")
        return Observations(asked=True, certificates=dict.fromkeys(wanted, why))

    twice = loaded.inventory.documents * 2
    inventory = type(loaded.inventory)(documents=twice)
    warn_unverified(check(inventory, observe, Run(as_of=DAY_12, policy=Policy())))
    assert capfd.readouterr().err == f"tfcert: not verified: {reason} (log in)\n"


def test_wishes_that_one_run_cannot_fulfil_are_refused(loaded, story):
    """All phases at once into the files, and two configurations in one run, are errors."""
    with pytest.raises(UsageError, match=r"three phases cannot be written.*--phase next"):
        request("all", write=True)
    with pytest.raises(UsageError, match="'a b' is not"):
        Request.of(
            phase="next",
            only=(),
            name="a b",
            even_if_not_due=False,
            trust_bundle=False,
            out=None,
            write=False,
        )
    other = story / "other"
    other.mkdir()
    for file in ("terraform.tfstate", "certificate.tf"):
        (other / file).write_bytes((story / file).read_bytes())
    both = load(("terraform.tfstate", "other/terraform.tfstate"), config=None, tool=None)
    with pytest.raises(UsageError, match=r"several configurations.*once for each"):
        one_configuration(both)
    assert one_configuration(loaded).root == "."
