"""Documents of a scan: which resources Terraform manages according to the given states."""

from __future__ import annotations

import pytest
from builders import certificate, certificate_at, document, stage, stage_at
from msgspec.structs import replace

from checker.analysis.scan_inventory import Ownership, scan_source, scan_to_inventory
from checker.model.inventory import Inventory, ScanResult, Sweep, Unread
from checker.model.observation import (
    Calls,
    CertificateKey,
    Found,
    Gone,
    ObservedStage,
    StageKey,
    Surveyed,
    Unanswered,
)
from checker.model.places import Access, Place
from checker.model.resources import Presents, PresentsNothing, StageKind

HERE = Place("aws", "123456789012", "us-east-1")
THERE = Place("aws", "123456789012", "eu-west-1")
OTHER = Place("aws", "999999999999", "us-east-1")
REGION_ONLY = Place("aws", None, "us-east-1")
ACCOUNT_ONLY = Place("aws", "123456789012", None)
NOWHERE = Place()
UNREAD = Unread(path="live", reason="denied", remedy="grant it")
END = certificate("old").expires_at
ARN = "arn:aws:acm:us-east-1:123456789012:certificate/1"


def state(*places, unread=()):
    """Return states that record one certificate and one stage in each place."""
    return Inventory(
        documents=(
            document(
                [replace(certificate("old"), place=place) for place in places],
                [replace(stage("prod", "old"), place=place) for place in places],
            ),
        ),
        unread=unread,
    )


def managed(recorded, place, scanned):
    """Return whether the certificate and the stage of a place are managed; both must agree."""
    both = Ownership(recorded, {"old": scanned, "api1/prod": scanned})
    key = StageKey(kind=StageKind.REST, api_id="api1", name="prod", place=place)
    owner = both.of_certificate(CertificateKey(id="old", place=place))
    owner_of_stage = both.of_stage(key)
    assert owner.managed is owner_of_stage.managed
    assert (owner.record is None) is (owner_of_stage.record is None) is (owner.managed is not True)
    return owner.managed


@pytest.mark.parametrize(
    ("recorded", "place", "scanned", "expected"),
    [
        (None, HERE, [HERE], None),
        (state(), HERE, [HERE], False),
        (state(unread=(UNREAD,)), HERE, [HERE], None),
        (state(HERE), HERE, [HERE], True),
        (state(HERE), HERE, [HERE, THERE], True),
        (state(HERE), THERE, [HERE, THERE], False),
        (state(HERE), OTHER, [HERE, OTHER], False),
        (state(HERE, unread=(UNREAD,)), THERE, [HERE, THERE], None),
        (state(HERE, unread=(UNREAD,)), HERE, [HERE, THERE], True),
        (state(REGION_ONLY), HERE, [HERE], True),
        (state(REGION_ONLY), HERE, [HERE, THERE], True),
        (state(REGION_ONLY), HERE, [HERE, OTHER], None),
        (state(REGION_ONLY), THERE, [HERE, THERE], False),
        (state(ACCOUNT_ONLY), HERE, [HERE, OTHER], True),
        (state(ACCOUNT_ONLY), HERE, [HERE, THERE], None),
        (state(ACCOUNT_ONLY), OTHER, [HERE, OTHER], False),
        (state(NOWHERE), HERE, [HERE], True),
        (state(NOWHERE), HERE, [HERE, OTHER], None),
        (state(NOWHERE, HERE), HERE, [HERE, OTHER], True),
        (state(HERE), REGION_ONLY, [REGION_ONLY], True),
    ],
)
def test_an_id_is_terraform_s_where_only_one_place_can_be_meant(recorded, place, scanned, expected):
    """An id is managed if only one scanned place fits the record; if several fit, it is unknown."""
    assert managed(recorded, place, scanned) is expected


def test_an_object_without_an_address_manages_nothing():
    """A certificate that a state only names on a stage is not managed by it."""
    recorded = Inventory(documents=(document([], [stage("prod", "old")]),))
    assert Ownership(recorded, {}).of_certificate(CertificateKey(id="old", place=HERE)) == (
        Ownership(state(), {}).of_certificate(CertificateKey(id="old", place=HERE))
    )


def seen(name="prod", presents="old", kind=StageKind.REST, **more):
    return ObservedStage(kind=kind, api_id="api1", name=name, certificate_id=presents, **more)


def sweep(place=HERE, stages=(), answers=None, **more):
    certificates = {
        CertificateKey(id=name, place=place): answer for name, answer in (answers or {}).items()
    }
    return Sweep(place=place, stages=stages, certificates=certificates, **more)


def scanned(*sweeps, recorded=None, tags=(), **more):
    return scan_to_inventory(ScanResult(sweeps=sweeps, **more), recorded, tags)


def test_a_scan_without_states():
    """Without states, each place is a document, and `managed` is unknown."""
    access = Access(profile="ops")
    inventory, answers = scanned(
        sweep(
            stages=(seen(), seen("beta", None)),
            answers={"old": Found(expires_at=END), ARN: Gone()},
            certificate_count=7,
            access=access,
        ),
        sweep(THERE),
        traffic=(Calls(operation="GetStages", account=None, region="x", sent=1),),
        notices=("slow",),
        interrupted=True,
    )
    here, there = inventory.documents
    assert (here.source.path, here.source.kind) == ("aws://123456789012/us-east-1", "aws")
    assert there.source.path == "aws://123456789012/eu-west-1"
    assert [(each.id, each.kind, each.managed, each.address) for each in here.certificates] == [
        ("old", "gateway", None, None),
        (ARN, "acm", None, None),
    ]
    assert [(each.name, each.presents, each.managed) for each in here.stages] == [
        ("prod", Presents("old"), None),
        ("beta", PresentsNothing(), None),
    ]
    assert all(each.place == HERE for each in (*here.certificates, *here.stages))
    assert (here.access, here.claimed, inventory.unread) == (access, frozenset(), ())
    assert answers.asked
    assert answers.interrupted
    assert answers.surveys == {HERE: Surveyed((seen(), seen("beta", None))), THERE: Surveyed(())}
    assert answers.certificate_counts == {HERE: 7}
    assert answers.notices == ("slow",)
    assert [each.operation for each in answers.traffic] == ["GetStages"]
    assert answers.answer_for(ARN, HERE) == Gone()


@pytest.mark.parametrize(
    "part", [sweep(unread=(UNREAD,)), sweep(ACCOUNT_ONLY), sweep(ACCOUNT_ONLY, unread=(UNREAD,))]
)
def test_i4_only_a_whole_list_of_stages_counts_as_one(part):
    """I4: a partly listed place, or an account without a region, has no survey of stages."""
    inventory, answers = scanned(part)
    assert answers.surveys == {}
    assert inventory.documents[0].unread == part.unread


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (HERE, "aws://123456789012/us-east-1"),
        (REGION_ONLY, "aws://unknown/us-east-1"),
        (ACCOUNT_ONLY, "aws://123456789012"),
        (NOWHERE, "aws://unknown"),
    ],
)
def test_the_name_of_a_place(place, expected):
    """The name of a place has its account and region; an unknown account reads "unknown"."""
    assert scan_source(place) == expected


def test_what_a_state_records_keeps_its_address_and_its_end():
    """A recorded resource keeps its address, and its recorded end if AWS does not answer; its place
    is AWS's.
    """
    unanswered = Unanswered(reason="denied", remedy="grant it")
    inventory, answers = scanned(
        sweep(stages=(seen(api_name="Orders"),), answers={"old": unanswered, "new": unanswered}),
        recorded=state(REGION_ONLY, unread=(UNREAD,)),
    )
    (here,) = inventory.documents
    old, new = here.certificates
    assert (old.address, old.expires_at, old.place, old.managed) == (
        certificate_at("old"),
        END,
        HERE,
        True,
    )
    assert (new.address, new.managed) == (None, None)
    assert (here.stages[0].address, here.stages[0].managed) == (stage_at("prod"), True)
    assert here.claimed == {"old"}
    assert inventory.unread == (UNREAD,)
    assert answers.notices == ()


@pytest.mark.parametrize(
    ("shown", "notice"),
    [
        ("old", None),
        ("new", f"{stage_at('prod')} presents new in AWS, and by its state old"),
        (None, f"{stage_at('prod')} presents no certificate in AWS, and by its state old"),
    ],
)
def test_a_stage_that_differs_from_its_state_is_a_notice(shown, notice):
    """A stage that differs from its state gives a notice, and the document has the answer
    of AWS.
    """
    inventory, answers = scanned(
        sweep(stages=(seen(presents=shown),), answers={"old": Found(expires_at=END)}),
        recorded=state(HERE),
    )
    assert [each.partition(":")[0] for each in answers.notices] == ([notice] if notice else [])
    assert inventory.documents[0].stages[0].presents == (
        Presents(shown) if shown else PresentsNothing()
    )
    assert inventory.documents[0].claimed == {"old"}


def test_a_stage_without_a_recorded_certificate_claims_nothing():
    """A recorded stage without a certificate gives no notice and claims no id."""
    recorded = Inventory(documents=(document([], [stage("prod", None)]),))
    inventory, answers = scanned(sweep(stages=(seen(),)), recorded=recorded)
    assert inventory.documents[0].claimed == frozenset()
    assert answers.notices == ()


@pytest.mark.parametrize(
    ("count", "names"), [(1, "c0"), (3, "c0 c1 c2"), (4, "c0 c1 c2"), (6, "c0 c1 c2")]
)
def test_what_a_state_records_and_the_scan_did_not_find_is_a_notice(count, names):
    """Recorded resources that the scan did not find are one notice with at most three names."""
    several = [certificate(f"c{number}") for number in range(count)]
    recorded = Inventory(documents=(document([certificate("old"), *several], []),))
    _, answers = scanned(sweep(answers={"old": Found(expires_at=END)}), recorded=recorded)
    (notice,) = answers.notices
    shown = ", ".join(str(certificate_at(name)) for name in names.split())
    more = f" and {count - 3} more" if count > 3 else ""
    assert notice.startswith(f"plan.json records {shown}{more}, ")


@pytest.mark.parametrize(
    ("keys", "expected"),
    [((), None), (("team",), (("team", "a"),)), (("team", "env"), (("env", "p"), ("team", "a")))],
)
def test_only_the_tags_that_a_scope_names_are_kept(keys, expected):
    """Only tags that a scope names are kept, for stages and certificates."""
    tags = (("env", "p"), ("owner", "x"), ("team", "a"))
    inventory, _ = scanned(
        sweep(stages=(seen(tags=tags),), answers={"old": Found(expires_at=END, tags=tags)}),
        tags=keys,
    )
    (here,) = inventory.documents
    assert here.stages[0].tags == expected
    assert here.certificates[0].tags == expected


@pytest.mark.parametrize(
    ("shown", "expected"), [((("team", "a"),), (("team", "a"),)), (None, (("team", "old"),))]
)
def test_the_tags_in_aws_count_before_those_in_state(shown, expected):
    """Tags from AWS override the recorded ones; without them the recorded ones remain."""
    recorded = document([replace(certificate("old"), place=HERE, tags=(("team", "old"),))], [])
    inventory, _ = scanned(
        sweep(answers={"old": Found(expires_at=END, tags=shown)}),
        recorded=Inventory(documents=(recorded,)),
        tags=("team",),
    )
    assert inventory.documents[0].certificates[0].tags == expected
