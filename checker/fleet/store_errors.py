"""Why an object store did not answer, in plain words."""

from __future__ import annotations

from collections.abc import Mapping

from checker.errors import UnreadableError
from checker.fleet.sources import Scheme

# How long a server that is overloaded or does not answer is asked again.
RETRY_SECONDS = 90

_PERMISSIONS: Mapping[Scheme, str] = {
    "s3": "allow s3:ListBucket on the bucket, s3:GetObject on its objects, and kms:Decrypt on "
    "the key that encrypts them",
    "gs": "allow storage.objects.list and storage.objects.get on the bucket",
    "az": "give the role Storage Blob Data Reader on the container",
}
_SIGN_IN: Mapping[Scheme, str] = {
    "s3": "sign in again, as for the AWS CLI",
    "gs": "sign in again: `gcloud auth application-default login`, "
    "or GOOGLE_APPLICATION_CREDENTIALS",
    "az": "sign in again: `az login`, or AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN",
}

# Codes in the bodies of S3's and Azure's answers, which obstore does not tell apart.
# Sources: Amazon S3 API reference, "Error responses"; Azure, "Blob Storage error codes".
_REFUSED = "the credentials were refused, or have expired"
_GONE_BUCKET = ("there is no such bucket", "check its name")
_GONE_OBJECT = ("there is no such object, or it was deleted after it was listed", "run it again")
# An empty remedy is how to sign in again.
_BY_CODE = (
    (("ExpiredToken", "InvalidToken", "TokenRefreshRequired", "InvalidAccessKeyId"), _REFUSED, ""),
    (("NoSuchBucket", "ContainerNotFound"), *_GONE_BUCKET),
    (
        ("AuthorizationHeaderMalformed", "PermanentRedirect", "incorrectly configured region"),
        "the bucket is in another region",
        "name it with --region",
    ),
    (("InvalidObjectState",), "the object is archived", "restore it first"),
)
_OVERLOADED = ("SlowDown", "503 Service Unavailable", "ServerBusy", "429 Too Many Requests")


def explain(error: BaseException, scheme: Scheme, *, listing: bool) -> UnreadableError | None:
    """Return the reason and the remedy of an answer; None if the server gave no usable one."""
    from obstore import exceptions

    text = str(error)
    for codes, reason, remedy in _BY_CODE:
        if any(code in text for code in codes):
            return UnreadableError(reason, remedy=remedy or _SIGN_IN[scheme])
    # Of a listing, obstore has no errors of their own.
    if listing and " 404 " in text:
        return UnreadableError(_GONE_BUCKET[0], remedy=_GONE_BUCKET[1])
    if listing and " 403 " in text:
        return UnreadableError("access to the bucket was denied", remedy=_PERMISSIONS[scheme])
    match error:
        case FileNotFoundError():
            reason, remedy = _GONE_BUCKET if listing else _GONE_OBJECT
        case exceptions.PermissionDeniedError():
            reason = f"access to {'the bucket' if listing else 'the object'} was denied"
            remedy = _PERMISSIONS[scheme]
        case exceptions.UnauthenticatedError():
            reason, remedy = _REFUSED, _SIGN_IN[scheme]
        case ValueError() | exceptions.InvalidPathError():
            reason, remedy = "its address or the configuration is not valid", "check the address"
        case _:
            return None
    return UnreadableError(reason, remedy=remedy)


def unanswered(text: str) -> UnreadableError:
    """Return the reason for a server that was asked again and again."""
    if any(code in text for code in _OVERLOADED):
        return UnreadableError(
            f"the server was overloaded for {RETRY_SECONDS} seconds", remedy="run it again later"
        )
    return UnreadableError(
        "the server did not answer as expected",
        remedy="check the network, the proxy settings and the endpoint; then run it again",
    )
