"""The AWS gateways that use boto3."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from checker.aws import responses
from checker.aws.connection import Connection, Role
from checker.aws.errors import Question, error_code, translate_errors
from checker.aws.gateway import Api, BackendCall
from checker.aws.integrations import ApiMethod, parse_methods
from checker.aws.session import Clients, Service
from checker.model.observation import Calls, Found, Gone, ObservedStage, Unanswered
from checker.model.probe import ProbeAnswer
from checker.model.resources import StageKind

T = TypeVar("T")

# The largest page; the default is 25. Source: botocore's `apigateway` model, `GetRestApis`.
_LIMIT = 500


class BotoGateways:
    """The gateways of one run: one per role, and one for the run's own credentials."""

    def __init__(self, connection: Connection) -> None:
        self.clients = Clients(connection)

    def of(self, role: Role | None) -> BotoGateway:
        """Return the gateway of a role; None means the run's own credentials or --role-arn."""
        return BotoGateway(self.clients, role)

    def region(self) -> str | None:
        """Return the region of the command line, AWS_REGION, AWS_DEFAULT_REGION or the profile.

        The first of these that is set counts.
        """
        return self.clients.region()

    def traffic(self) -> tuple[Calls, ...]:
        """Return the requests sent so far, including retries."""
        return self.clients.traffic.counted()


class BotoGateway:
    """The gateway to AWS; it changes nothing there, and does nothing before the first call.

    Even boto3 is imported only then. Only `call_backend` does more than read: it calls a backend.
    """

    def __init__(self, clients: Clients, role: Role | None = None) -> None:
        self._clients = clients
        self._role = role

    def endpoint(self, region: str) -> str | None:
        """Return the host of AWS_ENDPOINT_URL or the profile's `endpoint_url`.

        Other parts of the address, which may be secret, are left out.
        """
        return self._clients.endpoint(region)

    def account(self, region: str) -> str:
        """Return the account from GetCallerIdentity, which needs no permission.

        Source: AWS's STS reference.
        """
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
        """Return the enabled regions from DescribeRegions, which leaves out disabled ones.

        Source: AWS's EC2 reference. EC2 lists them in every partition; Account Management's
        ListRegions has no endpoint in some.
        """

        def read(client: Any) -> tuple[str, ...]:
            found = client.describe_regions()["Regions"]
            if not found:
                raise ValueError("no region in the answer")
            return tuple(sorted(responses.required_text(item, "RegionName") for item in found))

        return self._ask("ec2", region, "DescribeRegions", read)

    def certificates(self, region: str) -> Mapping[str, Found | Unanswered]:
        """Return the certificates from GetClientCertificates.

        One call is enough: an account has at most 60 in a region, unless AWS raised its quota.
        """

        def read(client: Any) -> dict[str, Found | Unanswered]:
            fetch = partial(client.get_client_certificates, limit=_LIMIT)
            items = responses.read_pages(fetch, items="items", position="position")
            return responses.index_by_id(items)

        return self._ask("apigateway", region, "GetClientCertificates", read)

    def acm_certificate(self, region: str, arn: str) -> Found | Gone | Unanswered:
        """Return the certificate from DescribeCertificate, which takes one ARN at a time."""

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
        """Return the REST APIs from GetRestApis, or the WebSocket APIs from GetApis (version 2)."""
        match kind:
            case StageKind.REST:
                return self._ask("apigateway", region, "GetRestApis", _rest_apis)
            case StageKind.WEBSOCKET:
                return self._ask("apigatewayv2", region, "GetApis", _websocket_apis)

    def stages(self, region: str, api: Api) -> tuple[ObservedStage, ...]:
        """Return the stages from GetStages, which has no pages in the first version."""

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
        """Return whether GetStage finds the stage.

        False only if AWS itself answers that it does not exist.
        """
        match api.kind:
            case StageKind.REST:
                return self._ask(
                    "apigateway", region, "GetStage", partial(_rest_stage, api.id, name)
                )
            case StageKind.WEBSOCKET:
                return self._ask(
                    "apigatewayv2", region, "GetStage", partial(_websocket_stage, api.id, name)
                )

    def methods(self, region: str, api_id: str) -> tuple[ApiMethod, ...]:
        """Return the methods from GetResources, which has the integrations with `embed`."""

        def read(client: Any) -> tuple[ApiMethod, ...]:
            fetch = partial(client.get_resources, restApiId=api_id, limit=_LIMIT, embed=["methods"])
            return parse_methods(responses.read_pages(fetch, items="items", position="position"))

        return self._ask("apigateway", region, "GetResources", read)

    def stage_variables(self, region: str, api_id: str, name: str) -> Mapping[str, str]:
        """Return the variables from GetStage."""

        def read(client: Any) -> Mapping[str, str]:
            stage = client.get_stage(restApiId=api_id, stageName=name)
            if responses.required_text(stage, "stageName") != name:
                raise ValueError("another stage in the answer")
            return responses.texts(stage.get("variables"))

        return self._ask("apigateway", region, "GetStage", read)

    def call_backend(self, region: str, call: BackendCall) -> ProbeAnswer:
        """Return the answer of TestInvokeMethod; its body, headers and log are dropped."""

        def read(client: Any) -> ProbeAnswer:
            optional = {
                "headers": dict(call.headers),
                "stageVariables": dict(call.variables),
                "clientCertificateId": call.certificate_id,
            }
            return responses.parse_test_answer(
                client.test_invoke_method(
                    restApiId=call.api_id,
                    resourceId=call.resource_id,
                    httpMethod=call.verb,
                    pathWithQueryString=call.path,
                    **{name: value for name, value in optional.items() if value},
                )
            )

        return self._ask("apigateway", region, "TestInvokeMethod", read, once=True)

    def _ask(
        self,
        service: Service,
        region: str,
        operation: str,
        read: Callable[[Any], T],
        *,
        once: bool = False,
    ) -> T:
        client = self._clients.client(service, region, self._role, once=once)
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
    return _exists(
        lambda: (
            responses.required_text(client.get_stage(restApiId=api_id, stageName=name), "stageName")
            == name
        )
    )


def _websocket_stage(api_id: str, name: str, client: Any) -> bool:
    return _exists(
        lambda: (
            responses.required_text(client.get_stage(ApiId=api_id, StageName=name), "StageName")
            == name
        )
    )


def _exists(ask: Callable[[], bool]) -> bool:
    from botocore.exceptions import ClientError

    try:
        return ask()
    except ClientError as error:
        if error_code(error) == "NotFoundException":
            return False
        raise
