"""API Gateway's first version: moto's, with client certificates, what stages present, tags and pages."""

from __future__ import annotations

from moto.core.common_types import TYPE_RESPONSE

from checker.demo.emulator.certificate_operations import CertificateOperations
from checker.demo.emulator.paging import page
from checker.demo.emulator.stage_operations import StageOperations
from checker.demo.emulator.tag_operations import TagOperations
from checker.demo.emulator.world import World


class RestGateway(CertificateOperations, StageOperations, TagOperations):
    """One request to API Gateway's first version."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    def get_rest_apis(self) -> TYPE_RESPONSE:  # type: ignore[override]  # moto promises a text, and takes either
        """List a page of the REST APIs; moto gives all of them, which hides a caller that reads the first page only."""
        items, position = page(self.backend.apis, limit=self.query("limit"), position=self.query("position"))
        body = {"item": [api.to_dict() for api in items]}
        return self.reply(body | ({"position": position} if position else {}))
