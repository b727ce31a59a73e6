"""Describe the effect of one apply of Terraform at a place that takes a PEM, by resource type.

Terraform sends the PEM, replaces something, needs a reload, or sends nothing. Sources: the provider
documentation of each type. Terraform compares write-only arguments by their version only. It runs a
creation-time provisioner only when it creates or replaces the resource.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from checker.hcl.arrivals import step_key
from checker.hcl.provisioners import runs
from checker.hcl.references import Site, sites
from checker.hcl.syntax import Span, traversals
from checker.model.rotation import Delivery

TRIGGERED = frozenset({"terraform_data", "null_resource"})
OBJECTS = frozenset({"aws_s3_object", "aws_s3_bucket_object"})
TRUST_STORES = {
    "aws_lb_trust_store": (
        "ca_certificates_bundle_s3_key",
        "ca_certificates_bundle_s3_object_version",
    ),
    "aws_api_gateway_domain_name": ("truststore_uri", "truststore_version"),
    "aws_apigatewayv2_domain_name": ("truststore_uri", "truststore_version"),
}
WRITE_ONLY = "_wo"
_VERSIONS = ("_wo_version", "_wo_revision")
TRIGGERS = frozenset({"triggers", "triggers_replace"})
_ALWAYS = (b"timestamp(", b"uuid(")
_USER_DATA = frozenset(
    {"user_data", "user_data_base64", "custom_data", "metadata_startup_script", "startup_script"}
)
_RELOAD = (
    "Terraform sends it; a pod takes a mounted file after about"
    " a minute and an environment variable only at its start"
)
_POD = "let the pods that trust by it reload"
_VERSION = "Terraform sends it as a new version; what reads it has it when it reads again"
_SENT = {
    "aws_s3_object": "Terraform uploads the new content to the same key",
    "aws_s3_bucket_object": "Terraform uploads the new content to the same key",
    "aws_ssm_parameter": _VERSION,
    "aws_lambda_function": "Terraform sends it; new invocations have it",
    "azurerm_key_vault_secret": _VERSION,
    "vault_generic_secret": _VERSION,
    "vault_kv_secret": _VERSION,
    "vault_kv_secret_v2": _VERSION,
    "consul_keys": "Terraform sends it",
    "consul_key_prefix": "Terraform sends it",
    "google_storage_bucket_object": "Terraform uploads the new content",
}
REPLACED = {
    "aws_secretsmanager_secret_version": (
        "Terraform replaces it with a new version of the secret; what reads it must read again"
    ),
    "google_secret_manager_secret_version": (
        "Terraform replaces it with a new version of the secret"
    ),
    "local_file": "Terraform writes the file anew on the machine that runs the apply",
    "local_sensitive_file": "Terraform writes the file anew on the machine that runs the apply",
    "aws_ecs_task_definition": (
        "Terraform replaces it with a new revision; a service has it once it deploys that revision"
    ),
    "aws_launch_configuration": (
        "Terraform replaces it; running instances keep the old one until they are replaced"
    ),
}
_UNRECORDED = frozenset({"connection", "count", "for_each", "lifecycle"})
_FILES = frozenset({"local_file", "local_sensitive_file"})
_PODS = ("kubernetes_secret", "kubernetes_config_map")
# Other resources read the content of these by naming the location where it is stored.
STORES = frozenset(
    {
        *_SENT,
        "aws_secretsmanager_secret_version",
        "google_secret_manager_secret_version",
        "local_file",
    }
) - {"aws_lambda_function"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """How a change reaches a place.

    `delivery` is the kind, in one word; `effect` is a sentence; `needs` says what must change with
    it.
    """

    delivery: Delivery
    effect: str
    needs: str = ""

    @property
    def is_sent(self) -> bool:
        """Return whether the apply that changes the PEM may also change the place."""
        return self.delivery not in {Delivery.NEVER, Delivery.IGNORED, Delivery.BY_ID}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moving:
    """The attributes that change with the PEM and with the id, by file and offset."""

    pem: frozenset[tuple[str, int]]
    id: frozenset[tuple[str, int]]

    def changes_with_pem(self, site: Site) -> bool:
        """Return whether an attribute changes with the PEM and Terraform does not ignore that."""
        return (site.file.path, site.attribute.span.start) in self.pem and ignored_by(site) is None

    def changes_with_id(self, site: Site) -> bool:
        """Return whether an attribute changes with the id."""
        return (site.file.path, site.attribute.span.start) in self.id


def delivered(
    site: Site, address: str, moving: Moving, labels: frozenset[str], replaced_with: str | None
) -> Delivered:
    """Return the effect of one apply of Terraform on a resource attribute that takes a new PEM.

    `labels` are the keys of objects around the PEM; `replaced_with` names a changing resource in
    `replace_triggered_by`.
    """
    kind = site.block.labels[0]
    ignored = ignored_by(site, labels)
    if ignored is not None:
        return Delivered(
            delivery=Delivery.IGNORED,
            effect=f"lifecycle.ignore_changes covers {ignored}: Terraform sends no change of it",
            needs=f"give it both PEMs manually, or take {ignored} out of ignore_changes first",
        )
    if "provisioner" in site.path or (kind in TRIGGERED and _provisions(site)):
        return _by_trigger(site, address, moving, replaced_with)
    if site.path[-1].endswith(_VERSIONS):
        return Delivered(
            delivery=Delivery.SENT,
            effect="it changes with the PEM, so Terraform sends the write-only argument",
        )
    if kind in OBJECTS and any(
        other.path[-1] == "key" and moving.changes_with_pem(other) for other in _all(site)
    ):
        return Delivered(
            delivery=Delivery.REPLACED,
            effect="its key changes with the PEM: Terraform"
            " replaces it with an object of another key",
        )
    return _write_only(site, moving) if site.path[-1].endswith(WRITE_ONLY) else _by_type(site, kind)


def _by_type(site: Site, kind: str) -> Delivered:
    special = _special(site, kind)
    if special is not None:
        return special
    if kind in _SENT:
        return Delivered(delivery=Delivery.SENT, effect=_SENT[kind])
    if kind in REPLACED:
        return Delivered(delivery=Delivery.REPLACED, effect=REPLACED[kind])
    return Delivered(
        delivery=Delivery.UNKNOWN,
        effect=f"tfcert does not know what a change does in {kind}:"
        " read in the plan whether it is updated or replaced",
    )


def _pods(site: Site) -> Delivered:
    """Return the effect on a Kubernetes secret or config map.

    Terraform replaces an immutable one (kubernetes provider, CustomizeDiff of both resources). The
    kubelet does not watch an immutable one, so pods keep the deleted one until they are recreated
    (Kubernetes, ConfigMaps).
    """
    immutable = _text(site, "immutable")
    if immutable in {None, b"false", b"null"}:
        return Delivered(delivery=Delivery.RELOAD, effect=_RELOAD, needs=_POD)
    when = "it is immutable" if immutable == b"true" else "where it is immutable"
    if _creates_first(site) and not any(
        block.attribute("generate_name") for block in site.block.blocks("metadata")
    ):
        return Delivered(
            delivery=Delivery.BREAKS,
            effect=f"{when}: Terraform replaces it, and create_before_destroy"
            " asks for a second one of the same name, which Kubernetes refuses",
            needs="use generate_name, or take create_before_destroy away first",
        )
    return Delivered(
        delivery=Delivery.RELOAD,
        effect=f"{when}: Terraform deletes it and creates another"
        " one; running pods keep the content of the deleted one",
        needs="recreate the pods that use it",
    )


def replaced_store(site: Site, replaced_with: str) -> Delivered:
    """Return the effect on a trust store that `replace_triggered_by` replaces.

    Source: Elastic Load Balancing API, DeleteTrustStore (TrustStoreInUse) and CreateTrustStore
    (DuplicateTrustStoreName).
    """
    effect = f"it is replaced when {replaced_with} changes (replace_triggered_by)"
    if site.block.labels[0] != "aws_lb_trust_store" or (
        _creates_first(site) and site.block.attribute("name") is None
    ):
        return Delivered(delivery=Delivery.REPLACED, effect=effect)
    if _creates_first(site):
        return Delivered(
            delivery=Delivery.BREAKS,
            effect=f"{effect}, and create_before_destroy asks for"
            " a second one of the same name, which AWS refuses",
            needs="let it have a name_prefix, and no name",
        )
    return Delivered(
        delivery=Delivery.REPLACED,
        effect=f"{effect}; AWS refuses to delete one that"
        " a listener uses, and the apply fails then",
        needs="where a listener uses it, set create_before_destroy and a name_prefix first",
    )


def _creates_first(site: Site) -> bool:
    lifecycles = list(site.block.blocks("lifecycle"))
    found = [
        attribute
        for each in lifecycles
        if (attribute := each.attribute("create_before_destroy")) is not None
    ]
    return any(attribute.value.of(site.file.data).strip() == b"true" for attribute in found)


def _text(site: Site, name: str) -> bytes | None:
    attribute = site.block.attribute(name)
    return attribute.value.of(site.file.data).strip() if attribute is not None else None


def _special(site: Site, kind: str) -> Delivered | None:
    """Return the effect that other arguments decide; None if the type alone decides."""
    if kind in TRIGGERED:
        return _without_provisioner(site, kind)
    if site.path[-1] in _USER_DATA:
        return _user_data(site, kind)
    if kind.startswith(_PODS):
        return _pods(site)
    if kind in _FILES and _creates_first(site) and "filename" not in site.path:
        return Delivered(
            delivery=Delivery.BREAKS,
            effect="create_before_destroy makes Terraform write the new file first"
            " and then delete the old one of the same name: no file is left",
            needs="take create_before_destroy away first",
        )
    if kind == "aws_ssm_parameter" and _text(site, "overwrite") == b"false":
        return Delivered(
            delivery=Delivery.BREAKS,
            effect="with overwrite = false AWS refuses a new value for a parameter"
            " that exists (ParameterAlreadyExists), and the apply fails",
            needs="remove overwrite = false first",
        )
    return None


def by_location(site: Site, store: str, moving: Moving, *, moves: bool = False) -> Delivered:
    """Return the effect on a resource that names the location of the PEM in another one.

    `moves` says that this location changes with the PEM, for example a key with a hash of it.
    """
    kind = site.block.labels[0] if site.block.type == "resource" else ""
    version = TRUST_STORES[kind][1] if kind in TRUST_STORES else ""
    if moves:
        return Delivered(
            delivery=Delivery.SENT,
            effect=f"the place of {store} changes with its content, so it reads the new one",
        )
    ignored = next(
        (found for each in _all(site) if each.path[-1] == version and (found := ignored_by(each))),
        None,
    )
    if ignored is not None:
        return Delivered(
            delivery=Delivery.IGNORED,
            effect=f"lifecycle.ignore_changes covers {ignored}: Terraform"
            " sends no change of it, and it keeps the old bundle",
            needs=f"take {ignored} out of ignore_changes first",
        )
    if version and any(
        other.path[-1] == version and moving.changes_with_pem(other) for other in _all(site)
    ):
        return Delivered(
            delivery=Delivery.SENT,
            effect=f"{version} changes with {store}, so it reads the bundle again",
        )
    if version:
        return Delivered(
            delivery=Delivery.NEVER,
            effect=f"its own arguments stay the same when the content of {store}"
            " changes: Terraform sends nothing, and it keeps the old bundle",
            needs=f"set {version} = {store}.version_id in"
            " the same apply (the bucket needs versioning)",
        )
    return Delivered(
        delivery=Delivery.READS,
        effect=f"it names {store}, and its own arguments stay the same: Terraform sends it nothing",
        needs=f"let it read {store} again",
    )


def ignored_by(site: Site, labels: frozenset[str] = frozenset()) -> str | None:
    """Return what `ignore_changes` names of an attribute; None if Terraform sends its changes.

    `labels` are the keys of objects around the value.
    """
    root = _root(site)
    for lifecycle in site.block.blocks("lifecycle"):
        ignored = lifecycle.attribute("ignore_changes")
        if ignored is None:
            continue
        data = site.file.data
        text = ignored.value.of(data).decode("utf-8", "replace")
        if text.strip().strip('"') == "all" or '"all"' in text or f'"{root}"' in text:
            return "all" if root not in text else root
        for traversal in traversals(ignored.expression, data):
            keys = {key for step in traversal.steps if (key := step_key(step, data)) is not None}
            if traversal.root == root and (not labels or keys <= {*site.path, *labels}):
                return traversal.span.of(data).decode("utf-8", "replace")
    return None


def recorded_in(site: Site, *, stored: bool) -> str | None:
    """Return the attribute of the resource that records a PEM; None if none does.

    `stored`: the place has only the location of the PEM.
    """
    if stored or "provisioner" in site.path or site.path[0] in _UNRECORDED:
        return None
    return _root(site)


def _root(site: Site) -> str:
    """Return the name of an attribute in ignore_changes.

    This is the name of the outermost block; for a dynamic block, its label.
    """
    if site.path[0] != "dynamic":
        return site.path[0]
    inside = [
        block
        for block in site.block.blocks("dynamic")
        if block.labels and block.span.start <= site.attribute.span.start < block.span.end
    ]
    return inside[0].labels[0] if inside else site.path[0]


def _by_trigger(site: Site, address: str, moving: Moving, replaced_with: str | None) -> Delivered:
    triggers = [other for other in _all(site) if other.path[0] in TRIGGERS]
    if any(moving.changes_with_pem(other) for other in triggers):
        return Delivered(
            delivery=Delivery.REPLACED,
            effect="its trigger changes with the PEM: it"
            " is replaced, and its provisioner runs again",
        )
    if replaced_with is not None:
        return Delivered(
            delivery=Delivery.REPLACED,
            effect=f"it is replaced when {replaced_with} changes"
            " (replace_triggered_by), and its provisioner runs again",
        )
    if any(
        word in other.attribute.value.of(site.file.data) for other in triggers for word in _ALWAYS
    ):
        return Delivered(
            delivery=Delivery.REPLACED,
            effect="its trigger changes at every apply: its"
            " provisioner runs in each phase, repoint too",
        )
    name = "triggers_replace" if site.block.labels[0] == "terraform_data" else "triggers"
    if site.block.labels[0] in TRIGGERED:
        needs = f"let {name} hold the PEM in the same apply, or apply with -replace='{address}'"
    else:
        needs = "run what the provisioner does manually"
    if any(moving.changes_with_id(other) for other in triggers):
        return Delivered(
            delivery=Delivery.BY_ID,
            effect="its trigger holds the certificate's id, not the PEM:"
            " its provisioner runs when the id changes, in repoint",
            needs=needs,
        )
    if site.path[0] == "input":
        return Delivered(
            delivery=Delivery.RELOAD,
            effect="Terraform updates it in state, and its provisioner"
            " does not run again: no trigger of it changes with the PEM",
            needs=needs,
        )
    return Delivered(
        delivery=Delivery.NEVER,
        effect="a provisioner runs only when its resource is created"
        " or replaced, and no trigger of it changes with the PEM",
        needs=needs,
    )


def _without_provisioner(site: Site, kind: str) -> Delivered:
    if kind == "terraform_data" and site.path[0] == "input":
        return Delivered(
            delivery=Delivery.SENT,
            effect="Terraform keeps it in state, and its output changes with it",
        )
    return Delivered(
        delivery=Delivery.REPLACED, effect="its trigger changes with the PEM: it is replaced"
    )


def _write_only(site: Site, moving: Moving) -> Delivered:
    name = site.path[-1]
    versions = [
        other
        for other in _all(site)
        if other.path[:-1] == site.path[:-1]
        and other.path[-1].startswith(f"{name}_")
        and other is not site
    ]
    ending = "revision" if site.block.labels[0].startswith("kubernetes_") else "version"
    version = versions[0].path[-1] if versions else f"{name}_{ending}"
    if any(moving.changes_with_pem(other) for other in versions):
        return Delivered(
            delivery=Delivery.SENT, effect=f"{version} changes with the PEM, so Terraform sends it"
        )
    needs = (
        f"raise {version} in the same apply"
        if versions
        else f"set {version}, and raise it in the same apply"
    )
    if any(moving.changes_with_id(other) for other in versions):
        return Delivered(
            delivery=Delivery.BY_ID,
            effect=f"{name} is write-only and {version} changes"
            " with the id: Terraform sends it in repoint",
            needs=needs,
        )
    return Delivered(
        delivery=Delivery.NEVER,
        effect=f"{name} is write-only: Terraform sends it only when {version} changes",
        needs=needs,
    )


def _user_data(site: Site, kind: str) -> Delivered:
    if kind == "aws_instance":
        flag = site.block.attribute("user_data_replace_on_change")
        if flag is not None and flag.value.of(site.file.data).strip() == b"true":
            return Delivered(
                delivery=Delivery.REPLACED,
                effect="Terraform replaces the instance (user_data_replace_on_change)",
            )
        return Delivered(
            delivery=Delivery.RELOAD,
            effect="Terraform stops the instance, changes its user data and"
            " starts it; by default cloud-init runs it only at the first boot",
            needs="give the running instance both PEMs manually, or"
            " set user_data_replace_on_change, which replaces it",
        )
    if kind in {
        "aws_launch_template",
        "aws_spot_instance_request",
        "google_compute_instance_template",
    }:
        return Delivered(
            delivery=Delivery.RELOAD,
            effect="Terraform makes a new version of the"
            " template; running instances keep the old one",
            needs="replace the instances (an instance refresh)",
        )
    if kind == "aws_launch_configuration":
        return Delivered(delivery=Delivery.REPLACED, effect=REPLACED[kind])
    return Delivered(
        delivery=Delivery.REPLACED,
        effect="a change of it replaces or restarts the machine: read in the plan which of the two",
    )


def _provisions(site: Site) -> bool:
    return any(run.at_creation for run in runs(site.file, site.block))


def _all(site: Site) -> list[Site]:
    """Return every attribute of a site's block."""
    key = ("sites by block", site.module)
    if key not in site.file.memo:
        found: dict[Span, list[Site]] = {}
        for each in sites(site.file, site.module):
            found.setdefault(each.block.span, []).append(each)
        site.file.memo[key] = found
    known: Mapping[Span, list[Site]] = site.file.memo[key]
    return known[site.block.span]
