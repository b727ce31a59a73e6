"""The globs of --include and --exclude, and the words for each refusal of an object store."""

from __future__ import annotations

import pytest

from checker.fleet.selection import NameKind, NameSelection
from checker.fleet.store_errors import explain
from checker.fleet.task import OtherVersionError, Parcel, unpack


@pytest.mark.parametrize(
    ("glob", "chosen", "others"),
    [
        ("**/prod.bin", ("prod.bin", "a/prod.bin", "a/b/prod.bin"), ("xprod.bin",)),
        ("a/**", ("a/b", "a/b/c"), ("b/a",)),
        ("a/*.bin", ("a/x.bin",), ("a/b/x.bin", "x.bin")),
        ("prod?", ("prod1", "a/prod2"), ("prod", "prod12")),
        ("prod[12]", ("prod1",), ("prod3", "prod12")),
        ("prod[!12]", ("prod3",), ("prod1",)),
        ("prod[]-]", ("prod]", "prod-"), ("prod1",)),
        ("a[!x]b/c", ("azb/c",), ("a/b/c", "axb/c")),
        ("a[+-0]b/c", ("a,b/c",), ("a/b/c",)),
        ("a[b|c&d]", ("a|", "a&"), ("ae",)),
        ("a[z-a]", ("a[z-a]",), ("am",)),
        ("a[", ("a[",), ("ab",)),
        ("a.b", ("a.b",), ("axb",)),
    ],
)
def test_a_glob_means_what_a_shell_means_by_it(glob, chosen, others):
    """Each part of a glob matches as in a shell: only ** matches a slash, and a broken one is
    itself.
    """
    selection = NameSelection(include=(glob,))
    assert {name: selection.kind(name) for name in chosen} == dict.fromkeys(chosen, NameKind.STATE)
    assert {name: selection.kind(name) for name in others} == dict.fromkeys(others, NameKind.OTHER)


@pytest.mark.parametrize("scheme", ["s3", "gs", "az"])
def test_each_refusal_of_a_store_has_its_remedy(scheme):
    """An answer of a store is explained by its kind; one without a meaning is left to retries."""
    exceptions = pytest.importorskip("obstore").exceptions
    say = {
        ("status 404 of a page", True): "there is no such bucket",
        ("status 404 of a page", False): None,
        ("status 403 of a page", True): "access to the bucket was denied",
        ("ExpiredToken", False): "the credentials were refused",
        ("InvalidObjectState", False): "the object is archived",
    }
    for (text, listing), words in say.items():
        found = explain(OSError(text), scheme, listing=listing)
        assert (found is None) == (words is None), text
        assert words is None or (words in str(found) and found.remedy), text
    kinds = {
        FileNotFoundError("x"): "there is no such object",
        exceptions.PermissionDeniedError("x"): "access to the object was denied",
        exceptions.UnauthenticatedError("x"): "the credentials were refused, or have expired",
        ValueError("x"): "its address or the configuration is not valid",
    }
    for error, words in kinds.items():
        found = explain(error, scheme, listing=False)
        assert words in str(found)
        assert found.remedy
    remedy = explain(exceptions.UnauthenticatedError("x"), scheme, listing=False).remedy
    assert {"s3": "AWS CLI", "gs": "GOOGLE_APPLICATION_CREDENTIALS", "az": "az login"}[
        scheme
    ] in remedy


def test_a_parcel_of_another_version_is_never_opened():
    """A parcel of another version is refused before its pickle is read."""
    with pytest.raises(OtherVersionError, match=r"is of tfcert 0\.0\.0, and this is "):
        unpack(Parcel("0.0.0", b"no pickle at all", ""))
