"""Load balancers of AWS, which cannot be run in tests: what their documentation says."""

from __future__ import annotations

from checker.reports.servers.kit import Kit, Pin, ServerFile, pins_file, trust_file

_FORM = (
    "The file may have no blank line, and no comment with a `-`, and at most 10,000 certificates. "
    "This one has neither comments nor blank lines."
)
_UNKNOWN = (
    "AWS does not say what a trust store does with two certificates of one subject that are no "
    "CAs. Try the successor before you repoint a stage: `tfcert probe` really calls the "
    "backend with it."
)
_TCP = (
    "A Network Load Balancer has no passthrough mode for certificates. With a TCP listener the "
    "targets terminate TLS: use `--for` with the server of the targets."
)
_EXPIRY = "Leave `IgnoreClientCertificateExpiry` off, or certificates are accepted after their end."
_READ = "Read, not run: https://docs.aws.amazon.com/elasticloadbalancing/latest/{}/{}.html"
_UPLOAD = (
    "aws s3 cp trust.pem s3://BUCKET/trust.pem\n"
    "aws elbv2 modify-trust-store --trust-store-arn TRUST_STORE_ARN \\\n"
    "  --ca-certificates-bundle-s3-bucket BUCKET --ca-certificates-bundle-s3-key trust.pem"
)


def alb(pins: tuple[Pin, ...]) -> Kit:
    """Write the trust store's file, and the hashes for targets behind passthrough mode."""
    return Kit(
        files=(
            _bundle(pins),
            pins_file(
                pins,
                place="For a listener in passthrough mode: let the targets compare it with the "
                "SHA-256 of the certificate in the header `X-Amzn-Mtls-Clientcert`, check the "
                "certificate's dates, and accept connections from the load balancer only.",
            ),
        ),
        reload=_UPLOAD,
        notes=(_FORM, _UNKNOWN, _EXPIRY),
        evidence=_READ.format("application", "mutual-authentication"),
    )


def nlb(pins: tuple[Pin, ...]) -> Kit:
    """Write the trust store's file; the load balancer has verify mode only."""
    return Kit(
        files=(_bundle(pins),),
        reload=_UPLOAD,
        notes=(
            _FORM,
            _UNKNOWN,
            _EXPIRY,
            _TCP,
        ),
        evidence=_READ.format("network", "mutual-authentication"),
    )


def _bundle(pins: tuple[Pin, ...]) -> ServerFile:
    return trust_file(pins, place="For a listener in verify mode: upload it to the trust store.")
