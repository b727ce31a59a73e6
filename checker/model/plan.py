"""The effects of a plan on stages, certificates and deployments."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from checker.model.address import Address
from checker.model.resources import Certificate, Presented, Stage, StageKind


class Action(Enum):
    """The action of a plan on one object, in Terraform's own words and order.

    Source: terraform internal/command/jsonplan, `actionString`; the values are the JSON arrays
    joined by `+`.
    """

    NO_OP = "no-op"
    CREATE = "create"
    READ = "read"
    UPDATE = "update"
    DELETE = "delete"
    REPLACE = "delete+create"
    REPLACE_CREATE_FIRST = "create+delete"
    FORGET = "forget"
    CREATE_FORGET = "create+forget"
    FORGET_CREATE = "forget+create"
    OTHER = "other"

    @property
    def creates(self) -> bool:
        """Return whether it creates a new object."""
        return "create" in self.value.split("+")

    @property
    def destroys(self) -> bool:
        """Return whether it deletes the existing object in AWS."""
        return "delete" in self.value.split("+")

    @property
    def changes(self) -> bool:
        """Return whether it changes anything, in AWS or in state."""
        return self not in {Action.NO_OP, Action.READ}


class CertificateChange(Struct, frozen=True, kw_only=True):
    """The planned change of one certificate object.

    A `deposed` object has its own change at the same address.
    """

    address: Address
    action: Action
    before: Certificate | None
    after: Certificate | None
    previous_address: Address | None = None
    deposed: str | None = None
    reason: str | None = None
    imported: bool = False


class StageChange(Struct, frozen=True, kw_only=True):
    """The planned change of one stage object.

    `changed` names the attributes that differ, or are known only after apply.
    """

    address: Address
    action: Action
    before: Stage | None
    after: Stage | None
    changed: frozenset[str] = frozenset()
    previous_address: Address | None = None
    deposed: str | None = None
    reason: str | None = None
    imported: bool = False

    @property
    def sides(self) -> tuple[Stage, ...]:
        """Return the stage before and after the plan, if it exists then."""
        return tuple(side for side in (self.before, self.after) if side is not None)

    @property
    def presented(self) -> tuple[Presented | None, Presented | None]:
        """Return what the stage presents before and after the plan; None for a missing stage."""
        before = self.before.presents if self.before is not None else None
        return before, self.after.presents if self.after is not None else None


class WrittenStage(Struct, frozen=True, kw_only=True):
    """A stage of a REST API that another resource writes; None for parts known only after apply."""

    api_id: str | None
    name: str | None

    def may_be(self, stage: Stage) -> bool:
        """Return whether this may be the given stage: unknown parts match everything."""
        rest = stage.kind is StageKind.REST
        return rest and self.api_id in {None, stage.api_id} and self.name in {None, stage.name}

    def is_certain(self) -> bool:
        """Return whether it is known which stage this is."""
        return self.api_id is not None and self.name is not None


# Attributes that AWS sets for each new deployment.
# Source: terraform-provider-aws 5.100, internal/service/apigateway/deployment.go.
_COMPUTED = frozenset({"id", "created_date", "execution_arn", "invoke_url"})


class DeploymentChange(Struct, frozen=True, kw_only=True):
    """The planned change of one API Gateway deployment.

    A new deployment publishes everything that was not deployed yet. `writes` has the stages that
    the change itself writes or deletes: those of a deployment with a stage name. `changed` names
    the attributes that differ, or are known only after apply.
    """

    address: Address
    action: Action
    writes: tuple[WrittenStage, ...] = ()
    changed: frozenset[str] = frozenset()

    @property
    def by_trigger(self) -> bool:
        """Return whether only its `triggers` replace it, and the new one is created first."""
        differs = self.changed - _COMPUTED
        return (
            self.action is Action.REPLACE_CREATE_FIRST
            and not self.writes
            and differs == {"triggers"}
        )


class ConsumerChange(Struct, frozen=True, kw_only=True):
    """The planned action on a consumer of a certificate's PEM."""

    address: Address
    action: Action


class StageClash(Struct, frozen=True, kw_only=True):
    """A planned stage that a deployment of the same name creates first.

    AWS refuses to create it again. `action` is that of the deployment; `stage` is the stage after
    the plan.
    """

    deployment: Address
    action: Action
    stage: Stage
    before: Stage | None = None


class UnknownChange(Struct, frozen=True, kw_only=True):
    """A change whose effect on stages and certificates the plan does not show."""

    message: str
    remedy: str
    address: Address | None = None


class StalePlan(Struct, frozen=True, kw_only=True):
    """Why a plan is stale: `by` has done its changes already, by the sentences of `signs`.

    `by` is the path of a state of the same configuration, or AWS (`by_aws`).
    """

    by: str
    signs: tuple[str, ...]
    by_aws: bool = False


class Plan(Struct, frozen=True, kw_only=True):
    """The planned changes of supported resources, including no-ops, in the plan's order.

    `errored` and `complete` are Terraform's own marks; `complete` is None if the tool's version has
    no such mark. `deferred` names the supported objects whose changes Terraform defers to a later
    plan. An `imported` object is not created. `unknown_changes` has the changes whose effect on
    stages and certificates the plan does not show. `deleted_apis` has the ids of the APIs that are
    deleted or replaced, with all of their stages. `drifted` has the stages and certificates that
    were deleted, and the stages that got another certificate, outside Terraform before the plan.
    `clashes` has the stages that AWS refuses to create.
    `consumers` has the planned actions on consumers of the PEM, as far as they were looked for.
    """

    certificates: tuple[CertificateChange, ...] = ()
    stages: tuple[StageChange, ...] = ()
    deployments: tuple[DeploymentChange, ...] = ()
    errored: bool = False
    complete: bool | None = None
    deferred: tuple[str, ...] = ()
    unknown_changes: tuple[UnknownChange, ...] = ()
    deleted_apis: frozenset[str] = frozenset()
    drifted: frozenset[Address] = frozenset()
    clashes: tuple[StageClash, ...] = ()
    consumers: tuple[ConsumerChange, ...] = ()
