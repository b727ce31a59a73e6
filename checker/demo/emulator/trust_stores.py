"""Trust stores of load balancers, which moto does not have.

Source: botocore's `elbv2` 2015-12-01; AWS's Application Load Balancer guide, "Configuring mutual
TLS": a trust store keeps a copy of the bundle that its create or modify call names, and that copy
is the only content that it has until the next call.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.elb.responses import ELBResponse
from moto.elbv2.exceptions import ELBClientError
from moto.elbv2.models import elbv2_backends
from moto.elbv2.responses import ELBV2Response
from moto.s3.exceptions import MissingBucket
from moto.s3.models import s3_backends

from checker.demo.emulator.state import PRESIGNED, World

_VERSION = "2015-12-01"
_BEGIN = re.compile(rb"^-----BEGIN CERTIFICATE-----\r?$", re.MULTILINE)
_END = re.compile(rb"^-----END CERTIFICATE-----\r?$", re.MULTILINE)
# Source: the same guide, "Before you begin configuring mutual TLS".
_MOST = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustStore:
    """A trust store, with its own copy of the bundle."""

    arn: str
    name: str
    bundle: bytes

    def answer(self) -> dict[str, Any]:
        """Return the trust store in the form of the API."""
        return {
            "Name": self.name,
            "TrustStoreArn": self.arn,
            "Status": "ACTIVE",
            "NumberOfCaCertificates": len(_BEGIN.findall(self.bundle)),
            "TotalRevokedEntries": 0,
        }


class LoadBalancing(ELBV2Response):
    """One request to Elastic Load Balancing, version 2, with the operations of trust stores."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    def answer(self, *request: Any) -> Any:
        """Handle the request, or pass it to moto if it is for classic load balancers."""
        if request[0].values.get("Version") != _VERSION:
            return ELBResponse.dispatch(*request)
        self._host = request[0].host_url
        return self._dispatch(*request)

    def create_trust_store(self) -> ActionResult:
        """Create a trust store with a copy of an S3 object."""
        name = self._get_param("Name")
        if any(each.name == name for each in self._stores().values()):
            raise ELBClientError(
                "DuplicateTrustStoreName", f"A trust store with the name '{name}' already exists"
            )
        arn = (
            f"arn:aws:elasticloadbalancing:{self.region}:{self.current_account}"
            f":truststore/{name}/{secrets.token_hex(8)}"
        )
        made = TrustStore(arn=arn, name=name, bundle=self._bundle())
        self._stores()[arn] = made
        tags = self._get_param("Tags", [])
        if tags:
            self.elbv2_backend.tagging_service.tag_resource(arn, tags)
        return ActionResult({"TrustStores": [made.answer()]})

    def modify_trust_store(self) -> ActionResult:
        """Replace the bundle of a trust store with a copy of an S3 object."""
        found = self._one()
        changed = replace(found, bundle=self._bundle())
        self._stores()[found.arn] = changed
        return ActionResult({"TrustStores": [changed.answer()]})

    def describe_trust_stores(self) -> ActionResult:
        """Return the trust stores with the ARNs or names of the request, or all of them."""
        arns = self._get_param("TrustStoreArns", [])
        names = self._get_param("Names", [])
        found = [
            each
            for each in self._stores().values()
            if (not arns or each.arn in arns) and (not names or each.name in names)
        ]
        if (arns or names) and not found:
            raise _not_found()
        return ActionResult({"TrustStores": [each.answer() for each in found]})

    def describe_trust_store_associations(self) -> ActionResult:
        """Return no association: the emulator's listeners use no trust store."""
        self._one()
        return ActionResult({"TrustStoreAssociations": []})

    def delete_trust_store(self) -> ActionResult:
        """Delete a trust store."""
        del self._stores()[self._one().arn]
        return EmptyResult()

    def get_trust_store_ca_certificates_bundle(self) -> ActionResult:
        """Return a presigned URL of the bundle, on the emulator's own address.

        Source: AWS's Elastic Load Balancing reference: the URL is valid for ten minutes.
        """
        token = secrets.token_hex(16)
        self.world.presigned[token] = self._one().bundle
        location = f"{self._host.rstrip('/')}{PRESIGNED}{token}?X-Amz-Expires=600"
        return ActionResult({"Location": location})

    def add_tags(self) -> ActionResult:
        """Add tags; moto knows no tags of trust stores."""
        arns = self._get_param("ResourceArns", [])
        if not any(arn in self._stores() for arn in arns):
            return super().add_tags()
        for arn in arns:
            self.elbv2_backend.tagging_service.tag_resource(arn, self._get_param("Tags", []))
        return EmptyResult()

    def remove_tags(self) -> ActionResult:
        """Remove tags; moto knows no tags of trust stores."""
        arns = self._get_param("ResourceArns", [])
        if not any(arn in self._stores() for arn in arns):
            return super().remove_tags()
        for arn in arns:
            self.elbv2_backend.tagging_service.untag_resource_using_names(
                arn, self._get_param("TagKeys", [])
            )
        return EmptyResult()

    def _stores(self) -> dict[str, TrustStore]:
        backend = elbv2_backends[self.current_account][self.region]
        stores: dict[str, TrustStore] = vars(backend).setdefault("trust_stores", {})
        return stores

    def _one(self) -> TrustStore:
        found = self._stores().get(self._get_param("TrustStoreArn"))
        if found is None:
            raise _not_found()
        return found

    def _bundle(self) -> bytes:
        bucket = self._get_param("CaCertificatesBundleS3Bucket")
        key = self._get_param("CaCertificatesBundleS3Key")
        version = self._get_param("CaCertificatesBundleS3ObjectVersion")
        try:
            found = s3_backends[self.current_account]["aws"].get_object(
                bucket, key, version_id=version
            )
        except MissingBucket:
            found = None
        if found is None:
            raise ELBClientError(
                "CaCertificatesBundleNotFound", "The specified ca certificate bundle does not exist"
            )
        data = bytes(found.value)
        if not _is_valid(data):
            raise ELBClientError(
                "InvalidCaCertificatesBundle", "The specified ca certificate bundle is not valid"
            )
        return data


def _is_valid(bundle: bytes) -> bool:
    """Return whether a load balancer takes a bundle.

    Source: the guide, "Before you begin configuring mutual TLS": PEM certificates, no blank line,
    no comment with `-`.
    """
    count = len(_BEGIN.findall(bundle))
    lines = [line.rstrip(b"\r") for line in bundle.rstrip(b"\r\n").split(b"\n")]
    return (
        0 < count <= _MOST
        and count == len(_END.findall(bundle))
        and all(lines)
        and not any(line.startswith(b"#") and b"-" in line for line in lines)
    )


def _not_found() -> ELBClientError:
    return ELBClientError("TrustStoreNotFound", "One or more trust stores not found")
