"""The lines of `tfcert doctor` about AWS: region, identity, and the permissions of a check.

Each call of policies/iam/check.json is made once for each account and region that the source
records. All of them only read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from msgspec import Struct

from checker.aws.boto_gateway import BotoGateways
from checker.aws.connection import Role
from checker.aws.deadline import Interruption, RegionalGateway, TimeBudget, gather, start_thread
from checker.aws.errors import Question, translate_errors
from checker.aws.gateway import (
    Api,
    CredentialsError,
    Gateway,
    GatewayError,
    MissingError,
    UnreachableError,
)
from checker.aws.identity import KnownCaller, other_account_answer
from checker.aws.responses import required_text
from checker.cli.first_steps.doctor_line import DoctorLine, Health
from checker.model.inventory import Document
from checker.model.observation import Unanswered
from checker.model.places import Place, place_of_arn
from checker.model.resources import Presents, Stage, StageKind, kind_of

T = TypeVar("T")

_MOST_NAMED = 3


class Asked(Struct, frozen=True, kw_only=True):
    """The account and region that one set of calls is about, and what the source records there.

    `accounts` are the recorded accounts. `stages` has one recorded stage of each kind, and `arn`
    is an ACM certificate that a stage presents.
    """

    role: Role | None
    region: str
    accounts: frozenset[str]
    stages: tuple[Stage, ...]
    arn: str | None


class CallerIdentity(Struct, frozen=True, kw_only=True):
    """The identity of the credentials."""

    account: str
    arn: str


class PlaceAnswers(Struct, frozen=True, kw_only=True):
    """The answers in one account and region, by operation.

    `skipped` has the operations that could not be asked, with the reason. After an error that
    ends the asking, the operations behind it are in neither.
    """

    asked: Asked
    caller: CallerIdentity | None
    allowed: tuple[str, ...]
    refused: tuple[Unanswered, ...]
    skipped: tuple[str, ...]


def aws_lines(
    document: Document | None, gateways: BotoGateways, *, seconds: float
) -> tuple[DoctorLine, ...]:
    """Ask AWS, and return the lines; `document` is None for a source that was not read.

    Where the source records no stage and no certificate, `check` asks nothing: then no answer is
    only a note.
    """
    recorded = _places(document)
    needed = document is None or bool(recorded)
    lines = tuple(_lines(document, recorded, gateways, seconds))
    return lines if needed else tuple(map(_optional, lines))


def _lines(
    document: Document | None,
    recorded: Mapping[Place, None],
    gateways: BotoGateways,
    seconds: float,
) -> Iterator[DoctorLine]:
    try:
        default = gateways.region() or None
    except GatewayError as error:
        yield _unanswered("AWS region", error.unanswered)
        default = None
    else:
        yield _region(default, recorded)
    places = [
        Place(place.partition, place.account, place.region or default)
        for place in recorded or {Place(): None}
    ]
    asked = _asked(document, [place for place in places if place.region], gateways)
    if not asked:
        yield DoctorLine(
            about="AWS identity", health=Health.NOTE, text="not asked: the region is not known"
        )
        return
    interruption = Interruption()
    works = [start_thread(_asking(each, gateways, seconds, interruption)) for each in asked]
    answers = gather(works, interruption)
    if interruption.requested:
        raise KeyboardInterrupt
    yield _identity(answers)
    yield _permissions(answers)


def _optional(line: DoctorLine) -> DoctorLine:
    if line.health is not Health.UNKNOWN:
        return line
    text = f"{line.text}; check needs it as soon as a state has a certificate or a stage"
    return DoctorLine(about=line.about, health=Health.NOTE, text=text, remedy=line.remedy)


def _places(document: Document | None) -> dict[Place, None]:
    """Return the places of what the source records; a certificate's account is its stages'."""
    if document is None:
        return {}
    found: dict[Place, None] = {}
    for stage in document.stages:
        found[stage.place] = None
        if (arn := _acm(stage)) is not None:
            found[place_of_arn(arn)] = None
    for certificate in document.certificates:
        place = certificate.place
        for stage in document.presenting(certificate.id) if certificate.id else ():
            place = place.or_else(stage.place)
        found[place] = None
    return found


def _acm(stage: Stage) -> str | None:
    shown = stage.presents.id if isinstance(stage.presents, Presents) else ""
    return shown if kind_of(shown) == "acm" else None


def _asked(
    document: Document | None, places: Iterable[Place], gateways: BotoGateways
) -> tuple[Asked, ...]:
    """Return what to ask, for each role and region once."""
    role_for = gateways.clients.connection.role_for
    accounts: dict[tuple[Role | None, str], set[str]] = {}
    for place in places:
        key = (role_for(place), place.region or "")
        accounts.setdefault(key, set()).update({place.account} if place.account else ())
    stages = document.stages if document is not None else ()
    made = []
    for (role, region), named in accounts.items():
        here = [
            stage
            for stage in stages
            if role_for(stage.place) == role and (stage.place.region or region) == region
        ]
        arns = (arn for stage in stages if (arn := _acm(stage)) is not None)
        made.append(
            Asked(
                role=role,
                region=region,
                accounts=frozenset(named),
                stages=tuple(_one_of_each(here)),
                arn=next(
                    (
                        arn
                        for arn in arns
                        if role_for(place_of_arn(arn)) == role
                        and place_of_arn(arn).region == region
                    ),
                    None,
                ),
            )
        )
    return tuple(made)


def _one_of_each(stages: Iterable[Stage]) -> Iterator[Stage]:
    seen: set[StageKind] = set()
    for stage in stages:
        if stage.kind not in seen and stage.api_id and stage.name:
            seen.add(stage.kind)
            yield stage


def _asking(
    asked: Asked, gateways: BotoGateways, seconds: float, interruption: Interruption
) -> Callable[[], PlaceAnswers]:
    budget = TimeBudget(seconds, interruption=interruption)
    return lambda: _Questions(asked, gateways, budget).ask_all()


class _Questions:
    """The questions of one account and region, each once, until an error that ends all of them."""

    def __init__(self, asked: Asked, gateways: BotoGateways, budget: TimeBudget) -> None:
        self._asked = asked
        self._clients = gateways.clients
        self._regional = RegionalGateway(
            gateway=gateways.of(asked.role), region=asked.region, budget=budget
        )
        self._caller: CallerIdentity | None = None
        self._allowed: list[str] = []
        self._refused: list[Unanswered] = []
        self._skipped: list[str] = []

    def ask_all(self) -> PlaceAnswers:
        """Ask each question, and return the answers."""
        try:
            self._caller = self._ask("GetCallerIdentity", self._identify)
            self._ask("GetClientCertificates", lambda: self._gateway.certificates(self._region))
            for kind in StageKind:
                self._ask_stages(kind)
            if self._asked.arn is None:
                self._skipped.append("DescribeCertificate of ACM")
            else:
                arn = self._asked.arn
                self._ask(
                    "DescribeCertificate", lambda: self._gateway.acm_certificate(self._region, arn)
                )
        except (CredentialsError, UnreachableError) as error:
            # Nothing else would be answered here either.
            self._refused.append(error.unanswered)
        return PlaceAnswers(
            asked=self._asked,
            caller=self._caller,
            allowed=tuple(self._allowed),
            refused=tuple(self._refused),
            skipped=tuple(self._skipped),
        )

    def _ask_stages(self, kind: StageKind) -> None:
        rest = kind is StageKind.REST
        of = "a REST API" if rest else "a WebSocket API"
        apis = self._ask(
            "GetRestApis" if rest else "GetApis", lambda: self._gateway.apis(self._region, kind)
        )
        stage = next((each for each in self._asked.stages if each.kind is kind), None)
        api_id = stage.api_id if stage is not None else next((api.id for api in apis or ()), None)
        if api_id is None:
            self._skipped.append(f"GetStages and GetStage of {of}")
            return
        api = Api(kind=kind, id=api_id)
        listed = self._ask(f"GetStages of {of}", lambda: self._gateway.stages(self._region, api))
        name = stage.name if stage is not None else next((one.name for one in listed or ()), None)
        if name is None:
            self._skipped.append(f"GetStage of {of}")
            return
        known = name
        self._ask(f"GetStage of {of}", lambda: self._gateway.has_stage(self._region, api, known))

    @property
    def _gateway(self) -> Gateway:
        return self._regional.gateway

    @property
    def _region(self) -> str:
        return self._regional.region

    def _identify(self) -> CallerIdentity:
        client = self._clients.client("sts", self._region, self._asked.role)
        with translate_errors(Question(operation="GetCallerIdentity", region=self._region)):
            answer = client.get_caller_identity()
            return CallerIdentity(
                account=required_text(answer, "Account"), arn=required_text(answer, "Arn")
            )

    def _ask(self, operation: str, work: Callable[[], T]) -> T | None:
        try:
            answer = self._regional.ask(operation.partition(" ")[0], work)
        except MissingError:
            # AWS itself answered that the thing does not exist, so the call is allowed.
            self._allowed.append(operation)
            return None
        except (CredentialsError, UnreachableError):
            raise
        except GatewayError as error:
            self._refused.append(error.unanswered)
            return None
        self._allowed.append(operation)
        return answer


def _region(default: str | None, recorded: Iterable[Place]) -> DoctorLine:
    named = sorted({place.region for place in recorded if place.region})
    unplaced = any(place.region is None for place in recorded) or not named
    asked = f"the source records {', '.join(named)}, which is asked there" if named else ""
    if default is not None:
        text = f"{default}{f'; {asked}' if named and named != [default] else ''}"
        return DoctorLine(about="AWS region", health=Health.OK, text=text)
    if not unplaced:
        return DoctorLine(about="AWS region", health=Health.OK, text=f"none is set; {asked}")
    return DoctorLine(
        about="AWS region",
        health=Health.UNKNOWN,
        text="none is set",
        remedy="give --region, or set AWS_REGION",
    )


def _identity(answers: Iterable[PlaceAnswers]) -> DoctorLine:
    every = tuple(answers)
    wrong = next(filter(None, map(_other_account, every)), None)
    if wrong is not None:
        return _unanswered("AWS identity", wrong)
    unknown = next((each for each in every if each.caller is None), None)
    if unknown is not None:
        return _unanswered("AWS identity", unknown.refused[0])
    callers = dict.fromkeys(each.caller for each in every if each.caller is not None)
    shown = _joined([f"account {one.account}, {one.arn}" for one in callers])
    return DoctorLine(about="AWS identity", health=Health.OK, text=shown)


def _other_account(answers: PlaceAnswers) -> Unanswered | None:
    """Return the answer if the source records another account than that of the credentials."""
    if answers.caller is None:
        return None
    caller = KnownCaller(answers.caller.account)
    found = (other_account_answer(each, caller) for each in sorted(answers.asked.accounts))
    return next(filter(None, found), None)


def _permissions(answers: Iterable[PlaceAnswers]) -> DoctorLine:
    every = tuple(each for each in answers if each.caller is not None)
    if not every:
        return DoctorLine(
            about="permissions",
            health=Health.NOTE,
            text="not asked: the identity is not known",
        )
    refused = list(dict.fromkeys(why for each in every for why in each.refused))
    if refused:
        return DoctorLine(
            about="permissions",
            health=Health.UNKNOWN,
            text=_joined([why.reason for why in refused]),
            remedy=_joined(list(dict.fromkeys(why.remedy for why in refused))),
        )
    allowed = {name for each in every for name in each.allowed}
    skipped = dict.fromkeys(name for each in every for name in each.skipped if name not in allowed)
    places = every[0].asked.region if len(every) == 1 else f"{len(every)} accounts and regions"
    text = f"{len(allowed)} calls of policies/iam/check.json are allowed in {places}"
    if skipped:
        text += f"; nothing there for {', '.join(skipped)}"
    return DoctorLine(about="permissions", health=Health.OK, text=text)


def _unanswered(about: str, why: Unanswered) -> DoctorLine:
    return DoctorLine(about=about, health=Health.UNKNOWN, text=why.reason, remedy=why.remedy)


def _joined(texts: list[str]) -> str:
    more = f"; and {len(texts) - _MOST_NAMED} more" if len(texts) > _MOST_NAMED else ""
    return f"{'; '.join(texts[:_MOST_NAMED])}{more}"
