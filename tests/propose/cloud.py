"""An AWS account and a Terraform state, as an apply of a configuration leaves them, without Terraform.

What is declared is read with plain patterns from configurations of our own making, not by the reader that is judged.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from checker.model.observation import Found, Gone, Observations, ObservedStage, Surveyed
from checker.model.resources import StageKind

CERTIFICATE, STAGE = "aws_api_gateway_client_certificate", "aws_api_gateway_stage"
ACCOUNT, REGION = "123456789012", "us-east-1"
LIFE = timedelta(days=365)
# An attribute of state that must never be in a request.
SECRET = "hunter2-of-the-state"
_CERTIFICATE = re.compile(rf'^resource "{CERTIFICATE}" "(\w+)" \{{', re.MULTILINE)
_STAGE = re.compile(rf'^resource "{STAGE}" "(\w+)" \{{(.*?)^\}}', re.MULTILINE | re.DOTALL)
_LOCAL = re.compile(rf"^ *(\w+) *= {CERTIFICATE}\.(\w+)\.id$", re.MULTILINE)
_SHOWN = re.compile(rf"client_certificate_id *= (?:{CERTIFICATE}\.(\w+)\.id|local\.(\w+))")


class DangerError(AssertionError):
    """An apply that would break a backend."""


@dataclass(kw_only=True)
class Root:
    """A root module's state: certificates and stages by name, each with an id of AWS."""

    certificates: dict[str, str] = field(default_factory=dict)
    stages: dict[str, str] = field(default_factory=dict)
    serial: int = 1


@dataclass(kw_only=True)
class Cloud:
    """One account and region with the root modules whose state is there, by folder."""

    roots: dict[str, Root] = field(default_factory=dict)
    created: dict[str, datetime] = field(default_factory=dict)
    stages: dict[str, str] = field(default_factory=dict)
    retired: list[str] = field(default_factory=list)
    denied: bool = False
    prefix: str = "c"
    _count: int = 0

    def apply(self, folder: str, texts: Mapping[str, bytes], now: datetime) -> dict[str, str]:
        """Make state and AWS as the .tf files of a root module say; returns what was done to which certificate.

        Raises DangerError for an apply that does two phases at once or that deletes what a stage presents.
        """
        root = self.roots.setdefault(folder, Root())
        text = "\n".join(data.decode().replace("\r\n", "\n") for _, data in sorted(texts.items()))
        declared = _CERTIFICATE.findall(text)
        aims = dict(_LOCAL.findall(text))
        done: dict[str, str] = {}
        presented = set(self.stages.values())
        for name in declared:
            if name not in root.certificates:
                self._count += 1
                identity = f"{self.prefix}{self._count:03}"
                root.certificates[name] = identity
                self.created[identity] = now
                done[identity] = "created"
        for name, body in _STAGE.findall(text):
            shown = _SHOWN.search(body)
            assert shown is not None, body
            aim = shown[1] or aims[shown[2]]
            identity = root.certificates[aim]
            key = f"{folder}/{name}"
            if root.stages.get(name, identity) != identity:
                if identity in done:
                    raise DangerError(
                        f"{folder}: one apply creates {identity} and moves {name} to it"
                    )
                done[identity] = "presented"
            root.stages[name] = self.stages[key] = identity
        for name in sorted(root.certificates.keys() - set(declared)):
            identity = root.certificates.pop(name)
            if identity in self.stages.values():
                raise DangerError(f"{folder}: an apply deletes {identity}, which a stage presents")
            if identity in presented:
                raise DangerError(
                    f"{folder}: one apply moves a stage from {identity} and deletes it"
                )
            del self.created[identity]
            self.retired.append(identity)
            done[identity] = "deleted"
        root.serial += bool(done)
        return done

    def state(self, folder: str) -> bytes:
        """The raw state of a root module."""
        root = self.roots[folder]
        resources = [
            _resource(CERTIFICATE, name, self._certificate(identity))
            for name, identity in sorted(root.certificates.items())
        ]
        resources += [
            _resource(STAGE, name, self._stage(folder, name, identity))
            for name, identity in sorted(root.stages.items())
        ]
        document = {
            "version": 4,
            "terraform_version": "1.11.4",
            "serial": root.serial,
            "lineage": "5d8bd5bb-04ac-7d3c-4b1c-5ab1f2f5a1c0",
            "outputs": {},
            "resources": resources,
        }
        return json.dumps(document).encode()

    def observe(self, certificates, places, stages, drift=()):
        """What AWS answers; nothing at all if it denies."""
        del stages, drift
        if self.denied:
            from checker.model.observation import Unanswered

            reason = Unanswered(reason="access denied", remedy="allow it")
            return Observations(
                asked=True,
                certificates=dict.fromkeys(certificates, reason),
                surveys=dict.fromkeys(places, reason),
            )
        seen = tuple(
            ObservedStage(kind=StageKind.REST, api_id="api1", name=name, certificate_id=identity)
            for name, identity in sorted(self.stages.items())
        )
        found = {
            key: Found(created_at=self.created[key.id], expires_at=self.created[key.id] + LIFE)
            if key.id in self.created
            else Gone()
            for key in certificates
        }
        return Observations(
            asked=True, certificates=found, surveys={place: Surveyed(seen) for place in places}
        )

    def ends(self) -> Mapping[str, datetime]:
        """The end of each certificate that a stage presents."""
        return {identity: self.created[identity] + LIFE for identity in self.stages.values()}

    def _certificate(self, identity):
        made = self.created[identity]
        return {
            "arn": f"arn:aws:apigateway:{REGION}::/clientcertificates/{identity}",
            "id": identity,
            "created_date": f"{made:%Y-%m-%d %H:%M:%S} +0000 UTC",
            "expiration_date": f"{made + LIFE:%Y-%m-%d %H:%M:%S} +0000 UTC",
            "description": SECRET,
            "tags": {"password": SECRET},
        }

    def _stage(self, folder, name, identity):
        return {
            "arn": f"arn:aws:apigateway:{REGION}::/restapis/api1/stages/{folder}/{name}",
            "id": f"ags-api1-{name}",
            "rest_api_id": "api1",
            "stage_name": f"{folder}/{name}",
            "client_certificate_id": identity,
            "invoke_url": f"https://api1.execute-api.{REGION}.amazonaws.com/{name}",
            "execution_arn": f"arn:aws:execute-api:{REGION}:{ACCOUNT}:api1/{name}",
            "variables": {"password": SECRET},
        }


def _resource(kind, name, attributes):
    return {
        "mode": "managed",
        "type": kind,
        "name": name,
        "provider": 'provider["registry.terraform.io/hashicorp/aws"]',
        "instances": [{"schema_version": 0, "attributes": attributes}],
    }
