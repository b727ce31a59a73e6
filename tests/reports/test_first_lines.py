"""The first lines of the comment, the text and the page, for eight pull requests."""

from __future__ import annotations

import html as markup
import json
import os
import re
from pathlib import Path

import pytest
from documents import finding, named, outcome
from msgspec.structs import replace
from outcomes import suppression
from world import BASE, CERTIFICATE, NOW, STAGE, days, world

from checker.model.address import parse
from checker.model.finding import SuppressedBy
from checker.model.observation import Unanswered
from checker.model.outcome import UNVERIFIED, Outcome
from checker.model.plan import Action, CertificateChange, Plan, StageChange
from checker.model.policy import Applies, Policy, Run
from checker.model.resources import Certificate, Presents, PresentsNothing, PresentsPlanned
from checker.pipeline import check
from checker.reports import FORMATS
from checker.reports.headline import headline, shorten_clause
from checker.reports.headline.facts import facts_of
from checker.reports.headline.from_json import facts_of_documents
from checker.reports.html import render as page
from checker.reports.markdown import render_documents
from checker.reports.markdown.escape import sentence
from checker.reports.text import render as text

GOLDEN = Path(__file__).parent / "first_lines"
OLD, NEW = f"{CERTIFICATE}.orders", f"{CERTIFICATE}.orders_202611"
STAGES = tuple(f'{STAGE}.prod["{name}"]' for name in "abc")
LATER = BASE.replace("orders.id", "orders_202611.id").replace(
    'resource "aws_api_gateway_stage"',
    f'# tfcert: succeeds {OLD}\nresource "{CERTIFICATE}" "orders_202611" {{\n}}\n\nresource "aws_api_gateway_stage"',
)


def home(folder, text=BASE, **more):
    folder.mkdir(parents=True, exist_ok=True)
    given = {"stages": dict.fromkeys(STAGES, "old000"), **more}
    return world(folder, {"main.tf": text}, **given)


def judged(place, plan=None, *, policy=None, observe=None, path="plan.json") -> Outcome:
    """Return the outcome of a check of this world, or of a plan in it."""
    inventory = place.inventory()
    (document,) = inventory.documents
    source = replace(document.source, path=path, kind="plan" if plan is not None else "directory")
    found = replace(inventory, documents=(replace(document, source=source, plan=plan),))
    return check(found, observe or place.observe, Run(as_of=NOW, policy=policy or Policy()))


def moves(place, presents) -> tuple[StageChange, ...]:
    """Return the changes of a plan that give every stage another certificate."""
    return tuple(
        StageChange(
            address=parse(address),
            action=Action.UPDATE,
            before=place.stage(address),
            after=replace(place.stage(address), presents=presents),
        )
        for address in STAGES
    )


def clean(folder) -> Outcome:
    """Return the outcome of an unrelated plan, with ten months left."""
    return judged(home(folder, ends={"old000": days(300)}), Plan())


def one_due(folder) -> Outcome:
    """Return the outcome of an unrelated plan, with twelve days left."""
    return judged(home(folder), Plan())


def introduce(folder) -> Outcome:
    """Return the outcome of a plan that creates the successor and moves no stage."""
    made = CertificateChange(
        address=parse(NEW),
        action=Action.CREATE,
        before=None,
        after=Certificate(address=parse(NEW), id=None),
    )
    place = home(folder, LATER.replace("orders_202611.id", "orders.id"))
    return judged(place, Plan(certificates=(made,)))


def repoint_too_early(folder, policy=None) -> Outcome:
    """Return the outcome of a plan that moves three stages to a successor created today."""
    place = home(
        folder,
        LATER,
        certificates={OLD: "old000", NEW: "new000"},
        ends={"old000": days(34), "new000": days(364.9)},
    )
    return judged(place, Plan(stages=moves(place, Presents("new000"))), policy=policy)


def retire(folder) -> Outcome:
    """Return the outcome of a plan that deletes an unused certificate."""
    place = home(
        folder,
        LATER.replace(
            f'resource "{CERTIFICATE}" "orders" {{\n  description = "orders"\n}}\n\n', ""
        ),
        certificates={OLD: "old000", NEW: "new000"},
        stages=dict.fromkeys(STAGES, "new000"),
        ends={"old000": days(20), "new000": days(350)},
    )
    gone = CertificateChange(
        address=parse(OLD), action=Action.DELETE, before=place.certificate(OLD), after=None
    )
    return judged(place, Plan(certificates=(gone,)))


def blocked(folder) -> Outcome:
    """Return the outcome with twelve days left, where an output of the whole certificate blocks the
    patch.
    """
    return judged(home(folder, BASE + f'output "all" {{\n  value = {OLD}\n}}\n'), Plan())


def inconclusive(folder) -> Outcome:
    """Return the outcome of a healthy recorded certificate that AWS does not answer about."""
    place = home(folder, ends={"old000": days(300)})

    def silent(certificates, places, stages, drift=()):
        said = place.observe(certificates, places, stages, drift)
        refused = Unanswered(reason="access denied", remedy="allow apigateway:GET")
        return replace(said, certificates=dict.fromkeys(certificates, refused))

    return judged(place, Plan(), observe=silent)


ONE = {
    "clean": clean,
    "one-due": one_due,
    "introduce": introduce,
    "repoint-too-early": repoint_too_early,
    "retire": retire,
    "blocked": blocked,
    "inconclusive": inconclusive,
}


def document(outcome: Outcome):
    return json.loads(FORMATS["json"].render(outcome))


def twelve(folder):
    """Return twelve documents: one due, one blocked, one unverified, and nine clean."""
    odd = {3: one_due, 5: blocked, 7: inconclusive}
    outcomes = [odd.get(number, clean)(folder / str(number)) for number in range(12)]
    return named(*map(document, outcomes), names=[f"stacks/{number:02}" for number in range(12)])


def held(name: str, made: str) -> None:
    file = GOLDEN / f"{name}.md"
    if os.environ.get("TFCERT_RECORD") == "1":
        file.parent.mkdir(exist_ok=True)
        file.write_text(made, encoding="utf-8")
    assert made == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [*ONE, "twelve-root-modules"])
def test_the_comment_says_first_what_to_do(name, tmp_path):
    """The first lines of the comment equal the golden files. TFCERT_RECORD=1 writes them."""
    documents = named(document(ONE[name](tmp_path))) if name in ONE else twelve(tmp_path)
    held(name, render_documents(documents))


@pytest.mark.parametrize("name", ONE)
def test_text_and_page_begin_with_the_sentences_of_the_comment(name, tmp_path):
    """The text and the page begin with the same sentences as the comment."""
    outcome = ONE[name](tmp_path)
    facts = facts_of(outcome)
    assert facts_of_documents([document(outcome)]) == facts
    said = headline(facts)
    plain = " ".join(text(outcome).split())
    assert " ".join((said.sentence, *said.more)).replace("  ", " ") in plain
    shown = re.search(r'<h1 id="said">(.*?)</h1>', page(outcome)).group(1)
    assert markup.unescape(shown) == said.sentence
    comment = render_documents(named(document(outcome)))
    assert comment.startswith(f"### tfcert: {said.sentence[0].lower()}{said.sentence[1:-1]}\n\n")


def test_merge_is_said_only_where_a_merge_applies(tmp_path):
    """The comment says "do not merge" only if every outcome's policy has `applies` on-merge."""
    early = repoint_too_early(tmp_path / "a")
    merged = repoint_too_early(tmp_path / "b", Policy(applies=Applies.ON_MERGE))
    assert document(merged)["policy"]["applies"] == "on-merge"
    assert "applies" not in document(early)["policy"]
    first = render_documents(named(document(merged))).splitlines()[0]
    assert first.startswith("### tfcert: do not merge before 2026-11-25")
    both = render_documents(named(document(merged), document(early), names="ab"))
    assert both.splitlines()[0].startswith("### tfcert: do not apply before 2026-11-25")
    assert "merge" not in render_documents(named(document(early)))


def test_a_suppressed_certificate_is_no_rotation_and_is_counted(tmp_path):
    """A suppressed finding is counted in the headline, and asks for no rotation that has
    not begun.
    """
    outcome = one_due(tmp_path)
    hidden = tuple(
        replace(each, suppression=suppression(SuppressedBy.POLICY)) for each in outcome.findings
    )
    outcome = replace(outcome, findings=hidden)
    said = headline(facts_of(outcome))
    assert said.sentence == "Nothing to do."
    assert "1 finding is suppressed." in said.more
    assert facts_of_documents([document(outcome)]) == facts_of(outcome)
    comment = render_documents(named(document(outcome)))
    assert "What to do next" not in comment
    assert "rotation " not in text(outcome).split("suppressed until")[1]
    begun = tuple(replace(each, introduced=True) for each in outcome.rotations)
    assert "What to do next" in render_documents(named(document(replace(outcome, rotations=begun))))


@pytest.mark.parametrize(
    ("presents", "says"),
    [
        (PresentsNothing(), "This change takes the certificate from 3 stages."),
        (PresentsPlanned(candidates=()), "This change moves 3 stages to another certificate."),
    ],
)
def test_no_sentence_is_calmer_than_the_findings(tmp_path, presents, says):
    """A plan with detached stages or unknown effects never has a headline that it can be
    applied.
    """
    place = home(tmp_path, ends={"old000": days(300)})
    said = headline(facts_of(judged(place, Plan(stages=moves(place, presents)))))
    assert said.sentence in {"Do not apply this plan as it is.", "Not everything could be checked."}
    assert says in said.more
    unclear = headline(facts_of(judged(place, Plan(errored=True))))
    assert unclear.sentence == "Not everything could be checked."
    assert "This change does not touch client certificates." not in unclear.more


def test_brackets_around_a_command_are_plain_text():
    """Round brackets around a command stay plain text; other brackets become code."""
    assert sentence("then move the stage (`tfcert patch`).") == (
        "then move the stage (`tfcert patch`)."
    )
    assert sentence("(`a`), (`b`); [x](y) (@evil)") == "(`a`), (`b`); `[x](y)` (`@evil`)"


def test_a_long_clause_ends_after_a_whole_word():
    """A long clause is shortened after a whole word."""
    text = " ".join(f"word{number}," for number in range(100))
    short = shorten_clause(text)
    assert len(short) <= 300
    assert short.endswith(" …")
    assert short.removesuffix(" …").split()[-1].rstrip(",") in text.replace(",", "").split()
    assert shorten_clause("as it is.") == "as it is"


def test_an_exempted_doubt_is_not_the_doubt_of_the_headline(tmp_path):
    """Of two unverified items, one of them exempted, the headline names the one that counts."""
    outcome = inconclusive(tmp_path)
    (first,) = [each for each in outcome.findings if each.rule == UNVERIFIED]
    hidden = replace(
        first, message="an exempted thing", suppression=suppression(SuppressedBy.POLICY)
    )
    for findings in ((hidden, first), (first, hidden)):
        said = headline(facts_of(replace(outcome, findings=findings)))
        assert said.more[0] == f"{first.message[0].upper()}{first.message[1:]}."
        assert "an exempted thing" not in " ".join(said.more)


def test_an_inconclusive_outcome_without_its_reason_is_not_calm():
    """A document that is inconclusive without a finding says that nothing may be applied."""
    change = {"created": 1, "forgotten": 1}
    made = outcome(verdict="inconclusive", change=change)
    said = headline(facts_of_documents([made]))
    assert said.sentence == "Not everything could be checked."
    assert said.more[0] == "Do not apply this change before it is checked."
    assert "removes a certificate from state" in " ".join(said.more)
    plain = headline(facts_of_documents([outcome(verdict="inconclusive")]))
    assert "Do not apply" not in " ".join(plain.more)


def test_an_applicable_change_names_the_warnings_to_read_first():
    """A plan with only warnings that ask for nothing in particular says to read them first."""
    other = finding(rule="managed-twice", severity="warning", days_left=None)
    made = outcome(findings=[other, other], change={"created": 1})
    said = headline(facts_of_documents([made]))
    assert said.sentence == "Read 2 warnings before you apply this change."
    assert said.tone == "warn"


def test_an_error_that_only_time_cures_names_the_moment():
    """With an error besides, a change that is too early says until when to wait first."""
    early = finding(rule="rotation-premature", not_before="2026-11-25T00:00:00Z", severity="note")
    made = outcome(findings=[finding(), early], change={"moved": 1})
    said = headline(facts_of_documents([made]))
    assert said.sentence.startswith("Do not apply before 2026-11-25")
    assert "ends in 12 days" in " ".join(said.more)
    alone = headline(facts_of_documents([outcome(findings=[early], change={"moved": 1})]))
    assert (alone.tone, alone.sentence) == ("warn", said.sentence)
