"""Find the version that makes Terraform send a write-only argument, or an object's new content."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checker.hcl.companions.kinds import ObjectVersion, RaisedVersion
from checker.hcl.companions.sharing import is_only_here
from checker.hcl.configuration import Configuration, ModulePath
from checker.hcl.deliveries import TRUST_STORES, ignored_by
from checker.hcl.references import Site
from checker.hcl.syntax import Attribute, Block, SourceFile

_WHOLE = re.compile(rb"0|[1-9][0-9]{0,9}")
# Some providers keep a version in 32 bits.
_MOST = 2**31 - 1
_STORE = "aws_lb_trust_store"
_BUCKET = "ca_certificates_bundle_s3_bucket"
_REPEATING = ("count", "for_each")


def raised_version(configuration: Configuration, site: Site, *, times: int) -> RaisedVersion | None:
    """Return the version of a write-only argument to raise; None if that is not safe.

    The version must be a literal whole number in the same block, which Terraform does not ignore.
    It must be able to rise so many `times`: in introduce and in retire.
    """
    name = site.path[-1]
    if len(site.path) != 1 or not name.endswith("_wo"):
        return None
    versions = [
        each
        for each in site.block.body.attributes
        if each.name in {f"{name}_version", f"{name}_revision"}
    ]
    if len(versions) != 1:
        return None
    text = versions[0].value.of(site.file.data)
    version = Site(
        file=site.file,
        module=site.module,
        block=site.block,
        path=(versions[0].name,),
        attribute=versions[0],
    )
    if (
        _WHOLE.fullmatch(text) is None
        or int(text) + times > _MOST
        or ignored_by(version) is not None
        or not is_only_here(configuration, site)
    ):
        return None
    return RaisedVersion(site=version, number=int(text))


def object_version(
    configuration: Configuration, site: Site, module: ModulePath, kind: str, name: str
) -> ObjectVersion | None:
    """Return the argument that lets a trust store follow the versions of an object.

    None if it is not certain from the configuration that the object's bucket has versions, and that
    the trust store reads this object. `site` is an argument of the trust store; `module`, `kind`
    and `name` name the object.
    """
    if site.block.labels[0] != _STORE or module != site.module:
        return None
    key_name, version = TRUST_STORES[_STORE]
    key, reference = site.block.attribute(key_name), f"{kind}.{name}"
    bucket = _bucket(configuration, site, module, kind, name)
    if key is None or bucket is None or site.block.attribute(version) is not None:
        return None
    added = Site(file=site.file, module=module, block=site.block, path=(version,), attribute=key)
    if (
        key.value.of(site.file.data) not in _texts(reference, "key", "id")
        or ignored_by(added) is not None
        or not is_only_here(configuration, site)
        or not _has_versions(configuration, module, bucket)
    ):
        return None
    value = f"{reference}.version_id"
    inserted = _inserted(site.file, site.block, key, f"{version} = {value}")
    if inserted is None:
        return None
    at, text = inserted
    return ObjectVersion(site=site, at=at, name=version, value=value, text=text)


def _bucket(
    configuration: Configuration, site: Site, module: ModulePath, kind: str, name: str
) -> bytes | None:
    """Return the text of an object's bucket; None if the trust store may read another bucket."""
    found = _only(configuration, module, kind, name)
    place = found[1].attribute("bucket") if found is not None else None
    named = site.block.attribute(_BUCKET)
    if found is None or place is None or named is None:
        return None
    bucket = place.value.of(found[0].data)
    same = {bucket, *_texts(f"{kind}.{name}", "bucket")}
    return bucket if named.value.of(site.file.data) in same else None


def _texts(reference: str, *names: str) -> set[bytes]:
    return {f"{reference}.{name}".encode() for name in names}


def _only(
    configuration: Configuration, module: ModulePath, kind: str, name: str
) -> tuple[SourceFile, Block] | None:
    """Return the block of a resource with one instance."""
    found = list(configuration.blocks(module, "resource", kind, name))
    if len(found) != 1 or any(found[0][1].attribute(each) for each in _REPEATING):
        return None
    return found[0]


def _has_versions(configuration: Configuration, module: ModulePath, bucket: bytes) -> bool:
    """Return whether the configuration turns on versions for a bucket, named by an expression."""
    found = re.fullmatch(rb"(aws_s3_bucket(?:_versioning)?)\.([\w-]+)\.(?:bucket|id)", bucket)
    if found is None:
        wanted = {bucket} if re.fullmatch(rb'"[\w.-]+"', bucket) else set[bytes]()
    else:
        kind, name = found[1].decode(), found[2].decode()
        held = _only(configuration, module, kind, name)
        if held is None:
            return False
        if kind == "aws_s3_bucket_versioning":
            return _is_enabled(*held)
        wanted = _texts(f"aws_s3_bucket.{name}", "bucket", "id")
    states = list(_states(configuration, module, wanted))
    return bool(states) and all(states)


def _states(configuration: Configuration, module: ModulePath, wanted: set[bytes]) -> Iterator[bool]:
    """Yield for each versioning of a bucket whether it is certainly on."""
    for file, block in configuration.blocks(module, "resource", "aws_s3_bucket_versioning"):
        bucket = block.attribute("bucket")
        if bucket is not None and bucket.value.of(file.data) in wanted:
            yield _is_enabled(file, block)


def _is_enabled(file: SourceFile, block: Block) -> bool:
    """Return whether an `aws_s3_bucket_versioning` certainly turns versions on."""
    if block.blocks("lifecycle") or any(block.attribute(each) for each in _REPEATING):
        return False
    statuses = [each.attribute("status") for each in block.blocks("versioning_configuration")]
    return len(statuses) == 1 and all(
        each is not None and each.value.of(file.data) == b'"Enabled"' for each in statuses
    )


def _inserted(
    file: SourceFile, block: Block, beside: Attribute, argument: str
) -> tuple[int, bytes] | None:
    """Return where to insert an argument, and its text; None if lines are shared.

    It follows the group of lines of another argument, between blank lines: so `terraform fmt` does
    not align the lines of that group anew.
    """
    data = file.data
    attributes = sorted(block.body.attributes, key=lambda each: each.span)
    indent = data[file.line_start(beside.span.start) : beside.span.start]
    if indent.strip():
        return None
    end = file.line_end(beside.span.end)
    for each in attributes:
        if file.line_start(each.span.start) == end:
            end = file.line_end(each.span.end)
    if end > block.span.end:
        return None
    following = data[end : file.line_end(end)].strip()
    newline = file.newline
    text = newline + indent + argument.encode() + newline
    return end, text + (newline if following not in {b"", b"}"} else b"")
