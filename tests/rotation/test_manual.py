"""Manual rotations of a scan: which certificates need one, and their steps with the AWS CLI."""

from __future__ import annotations

import shlex
from datetime import timedelta

import pytest
from builders import cases_of, certificate, document, stage
from msgspec.structs import replace
from world import HOME, NOW

from checker.model.conditions import Conditions
from checker.model.inventory import Source, Unread
from checker.model.observation import Found, Gone, Unanswered
from checker.model.places import Access, Place
from checker.model.policy import Policy, Scope
from checker.model.resources import StageKind
from checker.rotation.manual import ManualTarget, manual_rotations, manual_steps

REST = replace(stage("prod", "old"), address=None)
SOCKET = replace(REST, kind=StageKind.WEBSOCKET, name="live")
MANAGED = stage("ours", "old")


def target(**more):
    given = {
        "certificate_id": "old",
        "place": HOME,
        "access": Access(),
        "stages": (REST,),
        "left_to_terraform": (),
        "successor_id": None,
        "managed": False,
        "gone": False,
        "complete": True,
        "trust_window_days": 3,
        **more,
    }
    return ManualTarget(**given)


def verbs(**more):
    """Return the AWS operations of the steps, or the first word of a step without commands."""
    steps = manual_steps(target(**more))
    return [
        " ".join(shlex.split(line)[2] for line in each.commands if line.startswith("aws "))
        or each.does.split(maxsplit=1)[0].rstrip(":")
        for each in steps
    ]


SIGN_IN, MAKE, TRUST = "get-caller-identity", "get-client-certificate", "give"
FROM_TERRAFORM = "introduce"
MOVE, SEE, DELETE = "update-stage get-stage", "see", "delete-client-certificate"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, [SIGN_IN, MAKE, TRUST, MOVE, SEE, DELETE]),
        ({"successor_id": "new"}, [SIGN_IN, MAKE, TRUST, MOVE, SEE, DELETE]),
        ({"stages": (REST, SOCKET)}, [SIGN_IN, MAKE, TRUST, MOVE, MOVE, SEE, DELETE]),
        ({"stages": ()}, [SIGN_IN, SEE, DELETE]),
        (
            {"stages": (), "left_to_terraform": (MANAGED,)},
            [SIGN_IN, MAKE, TRUST, "repoint", SEE, DELETE],
        ),
        (
            {"left_to_terraform": (MANAGED,)},
            [SIGN_IN, MAKE, TRUST, MOVE, "repoint", SEE, DELETE],
        ),
        ({"gone": True}, [SIGN_IN, MAKE, TRUST, MOVE]),
        ({"managed": True}, [SIGN_IN, FROM_TERRAFORM, MOVE]),
        ({"managed": True, "left_to_terraform": (MANAGED,)}, [SIGN_IN, FROM_TERRAFORM, MOVE]),
    ],
)
def test_the_steps_that_remain(more, expected):
    """The steps skip what Terraform does, what is already done, and the deletion of a deleted
    certificate.
    """
    assert verbs(**more) == expected


def step(word, **more):
    return next(each for each in manual_steps(target(**more)) if each.does.startswith(word))


def test_a_new_successor_is_made_with_the_lineage_in_its_description():
    """A new successor gets the lineage in its description, where the next scan finds it."""
    made = step("introduce").commands[0]
    assert made.startswith("NEW=$(aws apigateway generate-client-certificate ")
    assert "--description 'tfcert: succeeds old'" in made
    assert step("introduce", successor_id="new1").commands[0] == "NEW=new1"
    assert step("introduce", managed=True).commands == ("NEW=",)


@pytest.mark.parametrize("made", [None, "new1"])
def test_introduce_says_whether_the_successor_exists(made):
    """Introduce uses an existing successor and creates none beside it."""
    does = step("introduce", successor_id=made).does
    assert ("already" in does) is (made is not None)
    assert ("make the successor" in does) is (made is None)


def test_each_kind_of_stage_has_its_own_service():
    """API Gateway v1 and v2 stages each get the commands of their own service, with a read-back."""
    rest, socket = (step("repoint", stages=(each,)).commands for each in (REST, SOCKET))
    assert rest[0].startswith("aws apigateway update-stage ")
    assert "--rest-api-id api1 --stage-name prod" in rest[0]
    assert 'op=replace,path=/clientCertificateId,value="${NEW:?}"' in rest[0]
    assert rest[1].startswith("aws apigateway get-stage ")
    assert "--query clientCertificateId" in rest[1]
    assert socket[0].startswith("aws apigatewayv2 update-stage ")
    assert '--client-certificate-id "${NEW:?}"' in socket[0]
    assert "--api-id api1 --stage-name live" in socket[0]
    assert socket[1].startswith("aws apigatewayv2 get-stage ")
    assert "--query ClientCertificateId" in socket[1]
    assert all("--region us-east-1" in line for line in (*rest, *socket))


@pytest.mark.parametrize("gone", [True, False])
def test_a_stage_goes_back_only_to_a_certificate_that_exists(gone):
    """A step offers to move the stage back only if the old certificate exists.

    Only the first step has the note on deployments.
    """
    first, second = (
        each
        for each in manual_steps(target(stages=(REST, SOCKET), gone=gone))
        if each.does.startswith("repoint")
    )
    assert ("moves the stage back" in first.then) is not gone
    assert ("moves the stage back" in second.then) is not gone
    assert "deployment" in first.then
    assert "deployment" not in second.then


@pytest.mark.parametrize(
    ("window", "gone", "words"),
    [(3, False, "3 days"), (1, False, "1 day "), (0, False, None), (3, True, None)],
)
def test_the_trust_window_is_waited_for(window, gone, words):
    """The steps wait for the trust window, unless it is 0 days or the old certificate is
    deleted.
    """
    does = step("give", trust_window_days=window, gone=gone).does
    assert ("and leave them" in does) is (words is not None)
    assert words is None or f"leave them {words}" in does


@pytest.mark.parametrize("gone", [True, False])
def test_backends_trust_both_while_the_old_one_exists(gone):
    """Backends get both PEMs while the old certificate exists."""
    trust = step("give", gone=gone)
    assert ("both" in trust.then) is not gone
    assert ("to be trusted beside old" in trust.does) is not gone


@pytest.mark.parametrize("whole", [True, False])
def test_i4_a_scan_that_is_not_whole_says_so_before_the_certificate_is_deleted(whole):
    """I4: the step before the deletion says if the scan did not list every stage."""
    assert ("did not list every stage" in step("see", complete=whole).does) is not whole


@pytest.mark.parametrize(
    ("access", "place", "expected"),
    [
        (Access(), HOME, ["--region us-east-1"]),
        (Access(profile="ops"), HOME, ["--profile ops", "--region us-east-1"]),
        (Access(profile="my ops"), HOME, ["--profile 'my ops'"]),
        (Access(role_arn="arn:aws:iam::1:role/r"), HOME, ["--region us-east-1"]),
        (Access(), Place(), []),
    ],
)
def test_every_command_names_the_profile_and_the_region(access, place, expected):
    """Each command names the region and the profile; with a role, credentials come from the
    environment.
    """
    line = step("retire", access=access, place=place).commands[0]
    assert all(each in line for each in expected)
    assert ("--profile" in line) is (access.profile is not None)
    assert ("--region" in line) is (place.region is not None)


def test_a_role_is_assumed_first():
    """With a role, the first step assumes it, with its external id if there is one."""
    plain, with_id = (
        manual_steps(target(access=Access(role_arn="arn:aws:iam::1:role/r", external_id=each)))[0]
        for each in (None, "x 1")
    )
    assert len(plain.commands) == 2
    assert plain.commands[0].startswith("export $(printf ")
    assert "--external-id" not in plain.commands[0]
    assert "--external-id 'x 1'" in with_id.commands[0]
    assert "name another one" in plain.does
    alone = manual_steps(target())[0]
    assert len(alone.commands) == 1
    assert "name another one" not in alone.does
    assert alone.then == "it prints 123456789012"
    assert manual_steps(target(place=Place()))[0].then == "it prints the account that you mean"


@pytest.mark.parametrize("name", ["a b", "$(id)", "'; id; '", "-x"])
def test_names_from_aws_are_quoted(name):
    """Names from AWS are quoted, so that the shell reads each as one word."""
    named = replace(REST, name=name)
    assert name in shlex.split(
        step("repoint", stages=(named,)).commands[0].replace("=", " ", 1)
    ) or (f"--stage-name={name}" in shlex.split(step("repoint", stages=(named,)).commands[0]))
    assert f"NEW={name}" in shlex.split(step("introduce", successor_id=name).commands[0])


def test_terraform_s_own_stages_are_named_only_where_it_does_not_move_them_itself():
    """Managed stages are named only if the certificate is outside Terraform; those take the new id
    in their configuration.
    """
    does = [each.does for each in manual_steps(target(stages=(), left_to_terraform=(MANAGED,)))]
    assert any(str(MANAGED.address) in text for text in does)
    both = manual_steps(target(managed=True, left_to_terraform=(MANAGED,)))
    assert not any(str(MANAGED.address) in each.does for each in both)


def test_the_label_of_a_stage():
    """The label of a stage is its address, or else its API and name."""
    assert MANAGED.label == str(MANAGED.address)
    assert REST.label == "api1/prod"


def scan(*certificates, stages=(REST,), answers=None, unread=(), managed=None, **more):
    given = document(
        [replace(each, managed=managed, address=None) for each in certificates],
        list(stages),
    )
    given = replace(
        given, source=Source(path="aws://1", kind="aws"), unread=unread, access=Access(profile="p")
    )
    return manual_rotations(cases_of(given, answers=answers, **more))


@pytest.mark.parametrize(
    ("left", "stages", "answer", "due"),
    [
        (60, (REST,), None, True),
        (61, (REST,), None, False),
        (300, (REST,), Gone(), True),
        (12, (), None, False),
        (300, (REST,), Unanswered(reason="denied", remedy="grant it"), False),
        (12, (REST,), Unanswered(reason="denied", remedy="grant it"), True),
    ],
)
def test_a_presented_certificate_near_its_end_is_due(left, stages, answer, due):
    """A certificate in use is due within the notice, or if AWS does not have it; an unused one is
    not.
    """
    answers = {"old": answer} if answer is not None else None
    assert bool(scan(certificate("old", left), stages=stages, answers=answers)) is due


@pytest.mark.parametrize(
    ("answer", "due"),
    [(None, True), (Gone(), False), (Unanswered(reason="denied", remedy="grant it"), False)],
)
def test_a_certificate_that_no_stage_presents_is_retired_if_its_successor_exists(answer, due):
    """An unused certificate whose successor exists gets the retire steps, if AWS confirms that it
    exists.
    """
    answers = {"new": Found(expires_at=NOW + timedelta(days=361), succeeds="old")}
    if answer is not None:
        answers["old"] = answer
    found = scan(
        certificate("old", 12),
        certificate("new", 361),
        stages=[replace(REST, presents=stage("x", "new").presents)],
        answers=answers,
    )
    assert [each.certificate_id for each in found] == (["old"] if due else [])
    if due:
        assert found[0].successor == "new"
        assert len(found[0].steps) == 3


@pytest.mark.parametrize(
    ("managed", "stages", "expected"),
    [
        (None, (REST,), (None, ("api1/prod",))),
        (False, (REST,), (False, ("api1/prod",))),
        (False, (REST, MANAGED), (False, ("api1/prod",))),
        (False, (SOCKET, REST), (False, ("api1/live", "api1/prod"))),
    ],
)
def test_a_rotation_names_the_stages_that_the_user_moves(managed, stages, expected):
    """A manual rotation lists the unmanaged stages in order; Terraform moves the managed ones."""
    (found,) = scan(certificate("old"), stages=stages, managed=managed)
    assert (found.managed, found.stages) == expected
    assert (found.place, found.ends, found.successor) == (HOME, NOW + timedelta(days=12), None)


@pytest.mark.parametrize(
    ("stages", "expected"),
    [((MANAGED,), None), ((MANAGED, REST), ("api1/prod",)), ((REST,), ("api1/prod",))],
)
def test_terraform_s_certificate_is_the_user_s_only_on_stages_outside_terraform(stages, expected):
    """A managed certificate has a manual rotation only for its stages outside Terraform."""
    given = replace(document([certificate("old")], list(stages)), access=Access())
    given = replace(given, source=Source(path="aws://1", kind="aws"))
    found = manual_rotations(cases_of(given))
    assert [each.stages for each in found] == ([expected] if expected else [])
    assert [each.managed for each in found] == ([True] if expected else [])


def test_a_state_or_plan_has_no_manual_rotations():
    """Only a scan has manual rotations, and an ACM certificate has none."""
    given = document([replace(certificate("old"), address=None)], [REST])
    assert manual_rotations(cases_of(given)) == ()
    assert scan(replace(certificate("old"), kind="acm")) == ()
    assert len(scan(certificate("old"))) == 1


def test_the_certificate_that_ends_first_comes_first():
    """Manual rotations are sorted by end date, with an unknown end last, then by id."""
    names = {"d": 20, "b": 12, "a": 12, "c": None}
    stages = [replace(REST, name=name, presents=stage(name, name).presents) for name in names]
    found = scan(
        *(certificate(name, left) for name, left in names.items()),
        stages=stages,
        answers={"c": Gone()},
    )
    assert [each.certificate_id for each in found] == ["a", "b", "d", "c"]


def test_the_strictest_scope_of_the_certificate_counts():
    """The strictest scope of the certificate sets the notice and the trust window."""
    scope = Scope(
        conditions=Conditions(stage=("prod",)),
        values=(("notice_days", 90), ("trust_window_days", 9)),
    )
    policy = Policy(scopes=(scope,))
    (found,) = scan(certificate("old", 90), policy=policy)
    assert any("leave them 9 days" in each.does for each in found.steps)
    assert scan(certificate("old", 91), policy=policy) == ()
    assert scan(certificate("old", 90), stages=(SOCKET,), policy=policy) == ()


def test_i4_an_unread_part_of_the_scan_is_named_in_the_steps():
    """I4: the steps say if part of the scan was not read, and they use the scan's profile."""
    unread = (Unread(path="x", reason="denied", remedy="grant it"),)
    (found,) = scan(certificate("old"), unread=unread)
    assert any("did not list every stage" in each.does for each in found.steps)
    assert any("--profile p" in line for each in found.steps for line in each.commands)
    (whole,) = scan(certificate("old"))
    assert not any("did not list every stage" in each.does for each in whole.steps)
