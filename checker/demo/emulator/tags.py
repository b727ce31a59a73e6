"""TagResource, UntagResource and GetTags for all resources of API Gateway v1.

Moto supports tags of stages only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, unquote

from moto.apigateway.responses import APIGatewayResponse
from moto.core.common_types import TYPE_RESPONSE

from checker.demo.emulator.errors import BadRequestError, NotFoundError
from checker.demo.emulator.requests import GatewayRequest

_ARN = re.compile(r"arn:[\w-]+:apigateway:(?P<region>[\w-]+)::/(?P<path>.+)")

# The attribute of moto's backend for each collection of the API.
_COLLECTIONS = {
    "restapis": "apis",
    "apikeys": "keys",
    "usageplans": "usage_plans",
    "domainnames": "domain_names",
    "vpclinks": "vpc_links",
}


class TagOperations(GatewayRequest, APIGatewayResponse):
    """Tags of client certificates, REST APIs, stages and the other resources of API Gateway.

    Source: AWS's API Gateway guide, "Tag-based access control". An ARN has no account, and arrives
    with its `%2F` decoded.
    """

    def get_tags(self) -> TYPE_RESPONSE:  # type: ignore[override]  # moto declares str
        """Return the tags of a resource."""
        return self.reply({"tags": dict(self._tags())})

    def tag_resource(self) -> TYPE_RESPONSE:  # type: ignore[override]  # as for get_tags
        """Add tags; they replace tags with the same keys."""
        added = self.document().get("tags") or {}
        with self.world.lock:
            self._retag({**self._tags(), **added})
        return self.reply({}, status=204)

    def untag_resource(self) -> TYPE_RESPONSE:  # type: ignore[override]  # as for get_tags
        """Remove tags; missing keys are no error."""
        removed = parse_qs(self.parsed_url.query).get("tagKeys", [])
        with self.world.lock:
            self._retag({key: value for key, value in self._tags().items() if key not in removed})
        return self.reply({}, status=204)

    def _path(self) -> list[str]:
        arn = unquote(self.path.split("/tags/", 1)[1])
        named = _ARN.fullmatch(arn)
        if named is None or named["region"] != self.region:
            raise BadRequestError(f"Invalid resource ARN specified in the request: {arn}")
        return named["path"].split("/")

    def _tags(self) -> Mapping[str, str]:
        match self._path():
            case ["clientcertificates", id_]:
                return self.store.get(id_).tags
            case path:
                return self._resource(path).tags or {}

    def _retag(self, tags: Mapping[str, str]) -> None:
        match self._path():
            case ["clientcertificates", id_]:
                self.store.change(id_, lambda certificate: replace(certificate, tags=tags))
            case path:
                self._resource(path).tags = tags

    def _resource(self, path: list[str]) -> Any:
        match path:
            case ["restapis", api_id, "stages", name]:
                return self.backend.get_stage(api_id, name)
            case [collection, id_] if collection in _COLLECTIONS:
                resources: Mapping[str, Any] = getattr(self.backend, _COLLECTIONS[collection])
                if id_ not in resources:
                    raise NotFoundError(f"Invalid identifier specified: {collection}/{id_}")
                return resources[id_]
            case _:
                raise BadRequestError(f"Resources of this kind bear no tags: /{'/'.join(path)}")
