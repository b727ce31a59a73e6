"""AWS by boto3."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from checker.aws import responses
from checker.aws.connection import Connection, Role
from checker.aws.errors import Question, error_code, translate_errors
from checker.aws.gateway import Api
from checker.aws.session import Clients, Service
from checker.model.observation import Calls, Found, Gone, ObservedStage, Unanswered
from checker.model.resources import StageKind

T = TypeVar("T")

# AWS gives 25 at a time unless asked for more, and no more than 500 (botocore's `apigateway` model, `GetRestApis`).
_LIMIT = 500


class BotoGateways:
    """AWS as one run reaches it: a gateway for each role, and one for the credentials of the run itself."""

    def __init__(self, connection: Connection) -> None:
        self.clients = Clients(connection)

    def of(self, role: Role | None) -> BotoGateway:
        """The gateway that asks in a role; None is the run's own credentials, or the command line's role."""
        return BotoGateway(self.clients, role)

    def region(self) -> str | None:
        """The region of the command line, else of AWS_REGION or AWS_DEFAULT_REGION, else of the profile."""
        return self.clients.region()

    def traffic(self) -> tuple[Calls, ...]:
        """The requests that were sent so far, retries included."""
        return self.clients.traffic.counted()


class BotoGateway:
    """The gateway that asks AWS: reads only, and nothing before the first question, boto3's import included."""

    def __init__(self, clients: Clients, role: Role | None = None) -> None:
        self._clients = clients
        self._role = role

    def endpoint(self, region: str) -> str | None:
        """The host in AWS_ENDPOINT_URL or the profile's `endpoint_url`, without what else such an address may hold."""
        return self._clients.endpoint(region)

    def account(self, region: str) -> str:
        """GetCallerIdentity, which needs no permission. Source: AWS's STS reference."""
        account = self._ask(
            "sts",
            region,
            "GetCallerIdentity",
            lambda client: responses.required_text(client.get_caller_identity(), "Account"),
        )
        if self._role is None and self._clients.connection.own_role is None:
            self._clients.traffic.belongs_to(account)
        return account

    def regions(self, region: str) -> tuple[str, ...]:
        """DescribeRegions, which leaves out what is not enabled unless asked for all. Source: AWS's EC2 reference.

        EC2 knows them in every partition; Account Management's ListRegions has no endpoint in some.
        """

        def read(client: Any) -> tuple[str, ...]:
            found = client.describe_regions()["Regions"]
            if not found:
                raise ValueError("no region in the answer")
            return tuple(sorted(responses.required_text(item, "RegionName") for item in found))

        return self._ask("ec2", region, "DescribeRegions", read)

    def certificates(self, region: str) -> Mapping[str, Found | Unanswered]:
        """GetClientCertificates: one call, since an account has 60 in a region unless AWS allowed it more."""

        def read(client: Any) -> dict[str, Found | Unanswered]:
            fetch = partial(client.get_client_certificates, limit=_LIMIT)
            items = responses.read_pages(fetch, items="items", position="position")
            return responses.index_by_id(items)

        return self._ask("apigateway", region, "GetClientCertificates", read)

    def acm_certificate(self, region: str, arn: str) -> Found | Gone | Unanswered:
        """DescribeCertificate, which takes one ARN at a time."""

        def read(client: Any) -> Found | Gone | Unanswered:
            from botocore.exceptions import ClientError

            try:
                return responses.parse_acm_certificate(
                    client.describe_certificate(CertificateArn=arn), arn
                )
            except ClientError as error:
                if error_code(error) == "ResourceNotFoundException":
                    return Gone()
                raise

        return self._ask("acm", region, "DescribeCertificate", read)

    def apis(self, region: str, kind: StageKind) -> tuple[Api, ...]:
        """GetRestApis, or GetApis of the second version, of which the WebSocket ones count."""
        match kind:
            case StageKind.REST:
                return self._ask("apigateway", region, "GetRestApis", _rest_apis)
            case StageKind.WEBSOCKET:
                return self._ask("apigatewayv2", region, "GetApis", _websocket_apis)

    def stages(self, region: str, api: Api) -> tuple[ObservedStage, ...]:
        """GetStages, which has no pages in the first version."""

        def rest(client: Any) -> tuple[ObservedStage, ...]:
            fetch = partial(client.get_stages, restApiId=api.id)
            items = responses.read_pages(fetch, items="item", position="position")
            return responses.once(
                responses.parse_rest_stage(api.id, api.name, item) for item in items
            )

        def websocket(client: Any) -> tuple[ObservedStage, ...]:
            fetch = partial(client.get_stages, ApiId=api.id)
            items = responses.read_pages(fetch, items="Items", position="NextToken")
            return responses.once(
                responses.parse_websocket_stage(api.id, api.name, item) for item in items
            )

        match api.kind:
            case StageKind.REST:
                return self._ask("apigateway", region, "GetStages", rest)
            case StageKind.WEBSOCKET:
                return self._ask("apigatewayv2", region, "GetStages", websocket)

    def has_stage(self, region: str, api: Api, name: str) -> bool:
        """GetStage; False only where AWS says in its own words that it is not there."""
        match api.kind:
            case StageKind.REST:
                return self._ask(
                    "apigateway", region, "GetStage", partial(_rest_stage, api.id, name)
                )
            case StageKind.WEBSOCKET:
                return self._ask(
                    "apigatewayv2", region, "GetStage", partial(_websocket_stage, api.id, name)
                )

    def _ask(self, service: Service, region: str, operation: str, read: Callable[[Any], T]) -> T:
        client = self._clients.client(service, region, self._role)
        with translate_errors(
            Question(operation=operation, region=region, endpoint=self.endpoint(region))
        ):
            return read(client)


def _rest_apis(client: Any) -> tuple[Api, ...]:
    fetch = partial(client.get_rest_apis, limit=_LIMIT)
    items = responses.read_pages(fetch, items="items", position="position")
    return tuple(
        Api(
            kind=StageKind.REST,
            id=responses.required_text(item, "id"),
            name=responses.optional_text(item, "name"),
        )
        for item in items
    )


def _websocket_apis(client: Any) -> tuple[Api, ...]:
    items = responses.read_pages(client.get_apis, items="Items", position="NextToken")
    return tuple(
        Api(
            kind=StageKind.WEBSOCKET,
            id=responses.required_text(item, "ApiId"),
            name=responses.optional_text(item, "Name"),
        )
        for item in items
        if responses.required_text(item, "ProtocolType") == "WEBSOCKET"
    )


def _rest_stage(api_id: str, name: str, client: Any) -> bool:
    return _there(
        lambda: (
            responses.required_text(client.get_stage(restApiId=api_id, stageName=name), "stageName")
            == name
        )
    )


def _websocket_stage(api_id: str, name: str, client: Any) -> bool:
    return _there(
        lambda: (
            responses.required_text(client.get_stage(ApiId=api_id, StageName=name), "StageName")
            == name
        )
    )


def _there(look: Callable[[], bool]) -> bool:
    from botocore.exceptions import ClientError

    try:
        return look()
    except ClientError as error:
        if error_code(error) == "NotFoundException":
            return False
        raise
