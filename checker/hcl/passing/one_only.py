"""List the arguments that take exactly one certificate, and those that only watch for a change.

A join of two PEMs is no value for the first. Sources: the provider documentation of each type.
"""

from __future__ import annotations

# By type: the arguments that take one certificate, or one certificate with its chain.
_ONE = {
    "aws_acm_certificate": ("certificate_body", "certificate_chain"),
    "aws_acmpca_certificate_authority_certificate": ("certificate", "certificate_chain"),
    "aws_api_gateway_domain_name": ("certificate_body", "certificate_chain"),
    "aws_dms_certificate": ("certificate_pem",),
    "aws_iam_server_certificate": ("certificate_body", "certificate_chain"),
    "aws_iam_signing_certificate": ("certificate_body",),
    "aws_iot_ca_certificate": ("ca_certificate_pem", "verification_certificate_pem"),
    "aws_iot_certificate": ("ca_pem", "certificate_pem"),
    "aws_transfer_certificate": ("certificate", "certificate_chain"),
    "azurerm_iothub_certificate": ("certificate_content",),
    "azurerm_iothub_dps_certificate": ("certificate_content",),
    "google_certificate_manager_trust_config": ("pem_certificate",),
    "kong_ca_certificate": ("cert",),
    "pkcs12_from_pem": ("cert_pem",),
    "tls_locally_signed_cert": ("ca_cert_pem",),
}
_WATCHED = frozenset({"annotations", "keepers", "labels", "tags", "triggers", "triggers_replace"})
_WATCHED_ENDINGS = (
    "_hash", "_md5", "_revision", "_sha256", "_sha512", "_version", "checksum", "etag",
)  # fmt: skip


def takes_one(kind: str, argument: str) -> bool:
    """Return whether an argument of a resource type takes exactly one certificate."""
    return argument in _ONE.get(kind, ())


def watches(kind: str, path: tuple[str, ...]) -> bool:
    """Return whether a hash in an argument only makes something change with the content."""
    return (
        kind in {"terraform_data", "null_resource"}
        or path[-1] == "key"
        or path[-1].endswith(_WATCHED_ENDINGS)
        or not _WATCHED.isdisjoint(path)
    ) and "provisioner" not in path
