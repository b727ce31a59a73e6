"""Read the trust bundles of the backends that a policy declares; only fingerprints are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from checker.aws.https import shown
from checker.errors import UnreadableError, UsageError
from checker.model.text_values import did_you_mean
from checker.model.trust import LARGEST_BUNDLE, BundleFault, TrustBackend, read_bundle

if TYPE_CHECKING:
    from checker.cli.policy_options import Base
    from checker.model.policy import Policy

_OPTION = "--trust-file"
_REMOTE = ("s3://", "https://")


def with_bundles(
    policy: Policy, base: Base | None, given: Sequence[str] | None, fetch: Callable[[str], bytes]
) -> Policy:
    """Return the policy of a run with the bundles of its backends.

    `given` are the values of --trust-file; `fetch` reads the bundles of s3:// and https://
    addresses. Raises UsageError for a backend that is not declared, and UnreadableError for a
    bundle that cannot be read: it is never taken for an empty one.
    """
    files = dict(_named(given or (), tuple(each.name for each in policy.backends)))
    if not policy.backends:
        return policy
    return replace(
        policy,
        backends=tuple(_read(base, each, files.get(each.name), fetch) for each in policy.backends),
    )


def _named(given: Sequence[str], declared: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for text in given:
        name, separator, path = text.partition("=")
        if not separator or not name or not path:
            raise UsageError(
                f"{text!r} is not BACKEND=PATH",
                where=_OPTION,
                remedy=f"write {_OPTION} orders=trust/orders.pem",
            )
        if name not in declared:
            raise UsageError(
                f"the policy declares no backend {name!r}",
                where=_OPTION,
                remedy=did_you_mean(name, declared)
                if declared
                else f"declare it in tfcert.toml: [trust.backends.{name}] with its stages",
            )
        if path.startswith("http://"):
            raise UsageError(
                "http:// is refused: anybody on the way can change the bundle",
                where=_OPTION,
                remedy="write https://, or pass a file",
            )
        if name in seen:
            raise UsageError(
                f"backend {name} has two files",
                where=_OPTION,
                remedy="put what the backend trusts into one file",
            )
        seen.add(name)
        yield name, path


def _read(
    base: Base | None, backend: TrustBackend, given: str | None, fetch: Callable[[str], bytes]
) -> TrustBackend:
    path = given or backend.bundle
    if path is None:
        return backend
    if path.startswith(_REMOTE):
        data = fetch(path)
        # A query may contain a token.
        path = shown(path)
    elif given is None and base is not None:
        # The bundle belongs to the policy: a change of the checkout is no evidence yet.
        data = base.read(path, _open)
    else:
        data = _open(path)
    try:
        certificates = read_bundle(data.decode("utf-8", "replace"))
    except BundleFault as fault:
        raise UnreadableError(
            f"the trust bundle of backend {backend.name} {fault}",
            where=path,
            remedy="name the file with the certificates that the backend trusts, in PEM form",
        ) from None
    return replace(backend, bundle=path, certificates=certificates)


def _open(path: str) -> bytes:
    # Imported here: most policies declare no backend.
    from checker.files import open_file

    return bytes(open_file(path, most=LARGEST_BUNDLE, instead="name a file with certificates"))
