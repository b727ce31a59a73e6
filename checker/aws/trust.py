"""Read what consumers of a certificate's PEM have now, each with its own read call (`--trust`).

Only fingerprints of what AWS answers are kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from checker.aws import responses
from checker.aws.boto_gateway import BotoGateways
from checker.aws.connection import Role
from checker.aws.deadline import OverdueError, TimeBudget, start_thread, wait_for_result
from checker.aws.errors import Question, error_code, translate_errors
from checker.aws.gateway import GatewayError
from checker.aws.s3 import fetch_object
from checker.aws.session import Service
from checker.errors import UnreadableError
from checker.model.trust import LARGEST_BUNDLE, BundleFault, HeldBundle, TrustMaterial, read_bundle

_OF_AWS = (".amazonaws.com", ".amazonaws.com.cn")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """The read call of a resource type."""

    service: Service
    operation: str
    ask: Callable[[Any, TrustMaterial, str], str]


def read_held(
    wanted: Iterable[tuple[str, TrustMaterial]], gateways: BotoGateways
) -> tuple[HeldBundle, ...]:
    """Return what each resource has now; the text beside it is the path of its document.

    All are asked at once, each by one call with the role for its account, and at most for the
    connection's timeout. A failure is a reason, and raises nothing.
    """
    budget = TimeBudget(gateways.clients.connection.timeout)
    started = [
        (document, material, start_thread(partial(_held, material, gateways)))
        for document, material in wanted
    ]
    return tuple(_answer(document, material, work, budget) for document, material, work in started)


def _answer(
    document: str, material: TrustMaterial, work: Future[str], budget: TimeBudget
) -> HeldBundle:
    found, reason = None, None
    try:
        found = read_bundle(wait_for_result(budget, work))
    except GatewayError as error:
        reason = f"{error.unanswered.reason}; {error.unanswered.remedy}"
    except UnreadableError as error:
        reason = f"{error.message}; {error.remedy}"
    except BundleFault as fault:
        reason = f"its content {fault}"
    except OverdueError:
        reason = f"it was not answered within {budget.seconds:g} s; raise --timeout"
    return HeldBundle(
        consumer=material.address,
        certificates=found,
        reason=reason,
        source=source_of(material),
        document=document,
    )


def source_of(material: TrustMaterial) -> str:
    """Return what is asked, for reports: the operation and the name of the resource."""
    named = "/".join(each.strip("/") for each in material.names) or str(material.address)
    return f"{_READS[material.address.type].operation} {named}"


def _held(material: TrustMaterial, gateways: BotoGateways) -> str:
    """Return the text that a resource has; raises GatewayError and UnreadableError."""
    read = _READS[material.address.type]
    if not material.names:
        raise GatewayError(
            f"{read.operation} was not asked: the document does not show its name",
            "pass its state",
        )
    role = gateways.clients.connection.role_for(material.place)
    if read.service == "s3":
        return _object(material, gateways, role)
    region = material.place.region or gateways.region()
    if region is None:
        raise GatewayError(
            f"{read.operation} was not asked: its region is not known", "name it with --region"
        )
    client = gateways.clients.client(read.service, region, role)
    with translate_errors(
        Question(operation=read.operation, region=region, endpoint=_override(client))
    ):
        from botocore.exceptions import ClientError

        try:
            return read.ask(client, material, region)
        except ClientError as error:
            if error_code(error) in _MISSING:
                raise GatewayError(
                    f"{read.operation} in region {region} was answered: it does not exist",
                    "check that this is its account; terraform plan shows whether it was deleted",
                ) from error
            raise


_MISSING = frozenset({"TrustStoreNotFound", "ParameterNotFound", "ResourceNotFoundException"})


def _object(material: TrustMaterial, gateways: BotoGateways, role: Role | None) -> str:
    bucket, key = material.names
    data = fetch_object(
        f"s3://{bucket}/{key}",
        gateways.clients,
        most=LARGEST_BUNDLE,
        seconds=gateways.clients.connection.timeout,
        role=role,
    )
    return _text(data)


def _trust_store(client: Any, material: TrustMaterial, region: str) -> str:
    (arn,) = material.names
    answer = client.get_trust_store_ca_certificates_bundle(TrustStoreArn=arn)
    location = responses.required_text(answer, "Location")
    if not _is_safe(location, region, client.meta.endpoint_url):
        raise GatewayError(
            "GetTrustStoreCaCertificatesBundle was answered with an address that is not one of "
            f"S3 in region {region}",
            "check the proxy settings and AWS_ENDPOINT_URL",
        )
    from botocore.awsrequest import AWSRequest

    # The client's own session: its proxies and certificate authorities, its limits, no redirects.
    session = client._endpoint.http_session  # noqa: SLF001 -- boto3 has no public access to it
    response = session.send(AWSRequest(method="GET", url=location).prepare())
    if response.status_code != 200:
        raise GatewayError(
            f"the bundle of the trust store was answered with HTTP {response.status_code}",
            "run it again; if it stays, check that the network lets S3 through",
        )
    return _text(response.content)


def _is_safe(location: str, region: str, endpoint: str) -> bool:
    """Return whether a presigned URL is one of S3 in the region, or of the overriding endpoint.

    Source: AWS's S3 guide, "Methods for accessing a bucket": the region is in the host name, except
    of the older global one, which is that of us-east-1.
    """
    try:
        address, own = urlsplit(location), urlsplit(endpoint)
        if not (own.hostname or "").endswith(_OF_AWS):
            return (address.scheme, address.netloc) == (own.scheme, own.netloc)
        host, port = address.hostname or "", address.port
    except ValueError:
        return False
    labels = host.split(".")
    here = region in labels or (region == "us-east-1" and labels[-3:] == ["s3", "amazonaws", "com"])
    plain = "@" not in address.netloc and port in {None, 443}
    return address.scheme == "https" and plain and host.endswith(_OF_AWS) and here


def _parameter(client: Any, material: TrustMaterial, _: str) -> str:
    (name,) = material.names
    found = client.get_parameter(Name=name, WithDecryption=True)["Parameter"]
    _is_about(material, responses.required_text(found, "ARN"))
    return _values(responses.required_text(found, "Value"))


def _secret(client: Any, material: TrustMaterial, _: str) -> str:
    (name,) = material.names
    found = client.get_secret_value(SecretId=name)
    _is_about(material, responses.required_text(found, "ARN"))
    if found.get("SecretString"):
        return _values(responses.required_text(found, "SecretString"))
    return _text(found.get("SecretBinary") or b"")


def _is_about(material: TrustMaterial, arn: str) -> None:
    """Raise GatewayError for an answer about a resource of the same name somewhere else."""
    if arn != material.arn:
        raise GatewayError(
            f"AWS answered about another resource than {material.address} in state, or state does "
            "not record its ARN",
            "use the credentials of its account (--profile, --role-arn, [accounts] in the policy)",
        )


def _text(data: bytes) -> str:
    return _values(data.decode("utf-8", "replace"))


def _values(text: str) -> str:
    """Return a text, or the texts in it if it is a JSON document, as of a secret with keys."""
    if not text.lstrip().startswith(("{", "[", '"')):
        return text
    try:
        return "\n".join(_leaves(json.loads(text)))
    except (ValueError, RecursionError):
        return text


def _leaves(found: object) -> Iterator[str]:
    match found:
        case str():
            yield found
        case dict():
            for each in found.values():
                yield from _leaves(each)
        case list():
            for each in found:
                yield from _leaves(each)
        case _:
            return


def _override(client: Any) -> str | None:
    """Return the host that replaces AWS, if one does."""
    address = urlsplit(client.meta.endpoint_url)
    return None if (address.hostname or "").endswith(_OF_AWS) else address.netloc


_TRUST_STORE = _Read(
    service="elbv2", operation="GetTrustStoreCaCertificatesBundle", ask=_trust_store
)
_OBJECT = _Read(service="s3", operation="GetObject", ask=lambda *_: "")
_READS: Mapping[str, _Read] = {
    "aws_lb_trust_store": _TRUST_STORE,
    "aws_s3_object": _OBJECT,
    "aws_s3_bucket_object": _OBJECT,
    "aws_ssm_parameter": _Read(service="ssm", operation="GetParameter", ask=_parameter),
    "aws_secretsmanager_secret_version": _Read(
        service="secretsmanager", operation="GetSecretValue", ask=_secret
    ),
}
