"""The client-certificate operations of API Gateway, which moto does not have.

Source: botocore's `apigateway` 2015-07-09; the quota from AWS's "Quotas for configuring and running
a REST API".
"""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import unquote

from moto.core.common_types import TYPE_RESPONSE

from checker.demo.emulator.certificates import LIFETIME, certificate, new_key
from checker.demo.emulator.errors import BadRequestError, ConflictError, LimitExceededError
from checker.demo.emulator.paging import page
from checker.demo.emulator.requests import GatewayRequest
from checker.demo.emulator.stages import stages_presenting
from checker.demo.emulator.state import DeleteAnswer


class CertificateOperations(GatewayRequest):
    """The client-certificate operations, on the store of the caller's account and region."""

    def generate_client_certificate(self) -> TYPE_RESPONSE:
        """Create a certificate that is valid for 365 days from the emulator's current time.

        Raises LimitExceededError beyond the quota.
        """
        asked = self.document()
        key = new_key()
        now = self.world.clock.now()
        with self.world.lock:
            if len(self.store.certificates) >= self.world.certificate_quota:
                raise LimitExceededError(
                    "Maximum number of Client Certificates for this account has been reached"
                )
            made = certificate(
                self.store.free_id(),
                key=key,
                created_at=now,
                expires_at=now + LIFETIME,
                description=asked.get("description"),
                tags=asked.get("tags") or {},
            )
            self.store.put(made)
        return self.reply(made.answer(), status=201)

    def get_client_certificates(self) -> TYPE_RESPONSE:
        """List a page of the certificates of the account and region."""
        items, position = page(
            self.store.certificates, limit=self.query("limit"), position=self.query("position")
        )
        body = {"item": [item.answer() for item in items]}
        return self.reply(body | ({"position": position} if position else {}))

    def get_client_certificate(self) -> TYPE_RESPONSE:
        """Return one certificate."""
        return self.reply(self.store.get(self._id()).answer())

    def update_client_certificate(self) -> TYPE_RESPONSE:
        """Change the description, the only field that can change."""
        description: str | None = None
        for operation in self.document().get("patchOperations") or []:
            if (operation.get("op"), operation.get("path")) != ("replace", "/description"):
                raise BadRequestError(f"Invalid patch operation: {json.dumps(operation)}")
            description = operation.get("value") or ""
        with self.world.lock:
            found = self.store.get(self._id())
            if description is not None:
                found = self.store.put(replace(found, description=description))
        return self.reply(found.answer())

    def delete_client_certificate(self) -> TYPE_RESPONSE:
        """Delete a certificate; if a stage presents it, the emulator's setting decides."""
        with self.world.lock:
            found = self.store.get(self._id())
            presented_by = stages_presenting(
                found.id, account=self.current_account, region=self.region
            )
            if presented_by:
                self._refuse(found.id, presented_by)
            del self.store.certificates[found.id]
        return self.reply({}, status=202)

    def _refuse(self, id_: str, presented_by: tuple[str, ...]) -> None:
        message = f"Client certificate {id_} is in use by {', '.join(presented_by)}"
        match self.world.delete_in_use:
            case DeleteAnswer.CONFLICT:
                raise ConflictError(message)
            case DeleteAnswer.BAD_REQUEST:
                raise BadRequestError(message)
            case DeleteAnswer.ALLOW:
                return

    def _id(self) -> str:
        return unquote(self.path.rstrip("/").rsplit("/", 1)[-1])
