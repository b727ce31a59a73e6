"""Each consumer of the PEM is found, with what Terraform does to it in each phase."""

from __future__ import annotations

import pytest
from world import BASE, CERTIFICATE, tree, world

from checker.cli.patch_preview import patch_text, repository_paths
from checker.model.rotation import Blocked, Delivery, Phase
from checker.patches.runbook import runbook

C = f"{CERTIFICATE}.orders"
PEM = f"{C}.pem_encoded_certificate"


def consumers(folder, files):
    """Return the consumers of the world's certificate by name."""
    home = world(folder, {"main.tf": BASE, **files})
    (declared,) = home.inventory().documents[0].declared.certificates
    return {each.what.removeprefix("resource "): each for each in declared.trust}


def headers(folder, files, **wish):
    """Return the header of each phase's patch."""
    home = world(folder, {"main.tf": BASE, **files})
    _, patches = home.ask(every=True, **wish)
    assert not any(isinstance(rotation.step, Blocked) for rotation in patches.rotations), (
        patches.rotations
    )
    ground = repository_paths(home.configuration())
    return {
        entry.phase: patch_text(entry, ground).decode().partition("diff --git")[0]
        for entry in patches.patches
    }


IGNORING = "  lifecycle {\n    ignore_changes = [%s]\n  }\n"
PUSH = '  provisioner "local-exec" {\n    command = "push"\n    environment = {\n      PEM = %s\n    }\n  }\n'
CBD = "  lifecycle {\n    create_before_destroy = true\n  }\n"
ROWS = [
    (f'resource "aws_ssm_parameter" "x" {{\n  value = {PEM}\n}}\n', Delivery.SENT, ""),
    (f'resource "aws_ssm_parameter" "x" {{\n  value_wo = {PEM}\n  value_wo_version = 1\n}}\n', Delivery.NEVER, "value_wo_version"),
    (f'resource "a_b" "x" {{\n  inner {{\n    secret_wo = {PEM}\n  }}\n}}\n', Delivery.NEVER, "set secret_wo_version"),
    (f'resource "kubernetes_secret_v1" "x" {{\n  data_wo = {{ a = {PEM} }}\n}}\n', Delivery.NEVER, "data_wo_revision"),
    (
        f'resource "a_b" "x" {{\n  v_wo = {PEM}\n  v_wo_version = parseint(substr(sha256({PEM}), 0, 6), 16)\n}}\n',
        Delivery.SENT,
        "",
    ),
    (f'resource "a_b" "x" {{\n  v = {PEM}\n{IGNORING % "v"}}}\n', Delivery.IGNORED, "ignore_changes"),
    (f'resource "a_b" "x" {{\n  v = {PEM}\n  lifecycle {{\n    ignore_changes = all\n  }}\n}}\n', Delivery.IGNORED, "ignore_changes"),
    (f'resource "a_b" "x" {{\n  data = {{ "ca" = {PEM} }}\n{IGNORING % "data[%sca%s]" % ("&", "&")}}}\n'.replace("&", '"'), Delivery.IGNORED, "ca"),
    (f'resource "a_b" "x" {{\n  data = {{ "ca" = {PEM} }}\n{IGNORING % "data[&other&]"}}}\n'.replace("&", '"'), Delivery.UNKNOWN, ""),
    (f'resource "a_b" "x" {{\n  v = {PEM}\n{IGNORING % "tags"}}}\n', Delivery.UNKNOWN, ""),
    (f'resource "terraform_data" "x" {{\n  triggers_replace = [{C}.id]\n{PUSH % PEM}}}\n', Delivery.BY_ID, "triggers_replace"),
    (
        f'locals {{\n  i = {C}.id\n}}\nresource "null_resource" "x" {{\n  triggers = {{ i = local.i }}\n{PUSH % PEM}}}\n',
        Delivery.BY_ID,
        "triggers",
    ),
    (f'resource "null_resource" "x" {{\n{PUSH % PEM}}}\n', Delivery.NEVER, "-replace"),
    (f'resource "aws_instance" "x" {{\n{PUSH % PEM}}}\n', Delivery.NEVER, "manually"),
    (f'resource "terraform_data" "x" {{\n  input = {PEM}\n{PUSH % "self.input"}}}\n', Delivery.RELOAD, "-replace"),
    (f'resource "terraform_data" "x" {{\n  triggers_replace = [sha256({PEM})]\n{PUSH % PEM}}}\n', Delivery.REPLACED, ""),
    (f'resource "null_resource" "x" {{\n  triggers = {{ t = timestamp() }}\n{PUSH % PEM}}}\n', Delivery.REPLACED, ""),
    (f'resource "terraform_data" "x" {{\n  input = {PEM}\n}}\n', Delivery.SENT, ""),
    (f'resource "aws_instance" "x" {{\n  user_data = {PEM}\n}}\n', Delivery.RELOAD, "first boot"),
    (
        f'resource "aws_instance" "x" {{\n  user_data = {PEM}\n  user_data_replace_on_change = true\n}}\n',
        Delivery.REPLACED,
        "replaces the instance",
    ),
    (f'resource "aws_launch_template" "x" {{\n  user_data = base64encode({PEM})\n}}\n', Delivery.RELOAD, "running instances"),
    (f'resource "kubernetes_secret" "x" {{\n  data = {{\n    "ca.crt" = {PEM}\n  }}\n}}\n', Delivery.RELOAD, "reload"),
    (f'resource "kubernetes_config_map_v1" "x" {{\n  data = {{ ca = {PEM} }}\n}}\n', Delivery.RELOAD, "reload"),
    (f'resource "kubernetes_config_map" "x" {{\n  immutable = true\n  data = {{ ca = {PEM} }}\n}}\n', Delivery.RELOAD, "recreate the pods"),
    (f'resource "kubernetes_secret" "x" {{\n  immutable = false\n  data = {{ ca = {PEM} }}\n}}\n', Delivery.RELOAD, "reload"),
    (
        f'resource "kubernetes_secret" "x" {{\n  immutable = true\n  metadata {{\n    name = "x"\n  }}\n  data = {{ ca = {PEM} }}\n{CBD}}}\n',
        Delivery.BREAKS,
        "generate_name",
    ),
    (
        f'resource "kubernetes_secret" "x" {{\n  immutable = true\n  metadata {{\n    generate_name = "x"\n  }}\n  data = {{ ca = {PEM} }}\n{CBD}}}\n',
        Delivery.RELOAD,
        "recreate the pods",
    ),
    (f'resource "aws_ssm_parameter" "x" {{\n  overwrite = false\n  value = {PEM}\n}}\n', Delivery.BREAKS, "ParameterAlreadyExists"),
    (f'resource "aws_ssm_parameter" "x" {{\n  overwrite = true\n  value = {PEM}\n}}\n', Delivery.SENT, ""),
    (f'resource "local_file" "x" {{\n  filename = "ca.pem"\n  content = {PEM}\n}}\n', Delivery.REPLACED, ""),
    (f'resource "local_file" "x" {{\n  filename = "ca.pem"\n  content = {PEM}\n{CBD}}}\n', Delivery.BREAKS, "no file is left"),
    (f'resource "aws_secretsmanager_secret_version" "x" {{\n  secret_string = {PEM}\n}}\n', Delivery.REPLACED, "new version"),
    (f'resource "some_thing" "x" {{\n  v = {PEM}\n}}\n', Delivery.UNKNOWN, "does not know"),
    (f'resource "aws_ssm_parameter" "x" {{\n  value = substr({PEM}, 0, 2000)\n}}\n', Delivery.UNKNOWN, "substr takes a part"),
    (f'locals {{\n  p = split("-----END", {PEM})[0]\n}}\nresource "aws_ssm_parameter" "x" {{\n  value = local.p\n}}\n', Delivery.UNKNOWN, "split takes a part"),
]  # fmt: skip


BY_LOCAL = next(text for text, *_ in ROWS if "local.i" in text)


@pytest.mark.parametrize(("text", "delivery", "word"), ROWS)
def test_how_a_new_pem_reaches_a_resource(text, delivery, word, tmp_path):
    """A resource's type, triggers, versions and ignore_changes decide how a new PEM reaches it."""
    (found,) = [
        each
        for what, each in consumers(tmp_path, {"trust.tf": text}).items()
        if what.endswith(".x")
    ]
    assert found.delivery is delivery, found
    assert word in f"{found.effect} {found.needs}"
    assert found.location.file == "trust.tf"


def test_a_place_that_an_apply_breaks_is_not_edited(tmp_path):
    """`--trust-bundle` is blocked by a consumer that the edit would break, and names what to change
    first.
    """
    text = f'resource "aws_ssm_parameter" "x" {{\n  overwrite = false\n  value     = {PEM}\n}}\n'
    home = world(tmp_path, {"main.tf": BASE, "trust.tf": text})
    _, patches = home.ask(trust_bundle=True)
    assert [change.path for change in patches.patches[0].changes] == ["main.tf"]
    asked = headers(tmp_path / "asked", {"trust.tf": text}, trust_bundle=True)[Phase.INTRODUCE]
    assert "trust.tf:3: resource aws_ssm_parameter.x is not edited and keeps the old PEM" in asked
    assert "(remove overwrite = false first); give it both PEMs manually" in asked
    without = headers(tmp_path / "without", {"trust.tf": text})
    assert "aws_ssm_parameter.x breaks in this apply" in without[Phase.RETIRE]
    assert "aws_ssm_parameter.x keeps only the old PEM" in without[Phase.INTRODUCE]


STORE = 'resource "aws_lb_trust_store" "g" {{\n  ca_certificates_bundle_s3_bucket = {o}.bucket\n  ca_certificates_bundle_s3_key = {o}.key\n{more}}}\n'
OBJECT = (
    f'resource "aws_s3_object" "o" {{\n  bucket = "b"\n  key = "ca.pem"\n  content = {PEM}\n}}\n'
)
VERSION = "  ca_certificates_bundle_s3_object_version = aws_s3_object.o.version_id\n"
BY_TEXT = """\
resource "aws_lb_trust_store" "g" {
  ca_certificates_bundle_s3_bucket = "b"
  ca_certificates_bundle_s3_key    = "ca.pem"
}
"""
DOMAIN = """\
resource "%s" "g" {
  mutual_tls_authentication {
    truststore_uri = "s3://b/%s"
    %s
  }
}
"""
REST, V2 = "aws_api_gateway_domain_name", "aws_apigatewayv2_domain_name"
ON_OBJECTS = [
    (STORE.format(o="aws_s3_object.o", more=""), Delivery.NEVER),
    (STORE.format(o="aws_s3_object.o", more=VERSION), Delivery.SENT),
    (BY_TEXT, Delivery.NEVER),
    (DOMAIN % (REST, "${aws_s3_object.o.key}", ""), Delivery.NEVER),
    (DOMAIN % (V2, "ca.pem", ""), Delivery.NEVER),
    (DOMAIN % (V2, "ca.pem", "truststore_version = aws_s3_object.o.version_id"), Delivery.SENT),
]


@pytest.mark.parametrize(("text", "delivery"), ON_OBJECTS)
def test_a_trust_store_keeps_the_old_bundle_without_the_object_s_version(text, delivery, tmp_path):
    """A trust store whose bucket and key stay the same keeps the old bundle, unless it has the
    object's version.
    """
    found = consumers(tmp_path, {"trust.tf": OBJECT, "store.tf": text})
    assert found["aws_s3_object.o"].delivery is Delivery.SENT
    (store,) = [each for what, each in found.items() if what.endswith(".g")]
    assert store.delivery is delivery
    assert store.location.file == "store.tf"
    if delivery is Delivery.NEVER:
        assert "aws_s3_object.o.version_id" in store.needs


BEHIND = {
    "outputs": {
        "main.tf": 'module "api" {\n  source = "./api"\n}\nresource "a_b" "x" {\n  v = module.api.pem\n}\n',
        "api/main.tf": BASE + f'output "pem" {{\n  value = {PEM}\n}}\n',
    },
    "arguments": {
        "main.tf": BASE + f'module "b" {{\n  source = "./b"\n  pem = {PEM}\n}}\n',
        "b/main.tf": 'variable "pem" {\n  type = string\n}\nresource "a_b" "x" {\n  v = var.pem\n}\n',
    },
    "locals": {"main.tf": BASE + f"locals {{\n  t = {{ ca = {PEM}, n = 1 }}\n}}\n", "x.tf": 'resource "a_b" "x" {\n  v = local.t.ca\n}\nresource "a_b" "other" {\n  v = local.t.n\n}\n'},
    "for_each": {"main.tf": BASE, "x.tf": f'resource "a_b" "x" {{\n  for_each = {{ ca = {PEM} }}\n  v = each.value\n}}\n'},
    "dynamic": {
        "main.tf": BASE,
        "x.tf": f'resource "a_b" "x" {{\n  dynamic "s" {{\n    for_each = [{PEM}]\n    content {{\n      v = s.value\n    }}\n  }}\n}}\n',
    },
    "data": {
        "main.tf": BASE,
        "x.tf": f'data "template_file" "t" {{\n  vars = {{ ca = {PEM} }}\n}}\nresource "a_b" "x" {{\n  v = data.template_file.t.rendered\n}}\n',
    },
    "terraform_data": {
        "main.tf": BASE,
        "x.tf": f'resource "terraform_data" "t" {{\n  input = {PEM}\n}}\nresource "a_b" "x" {{\n  v = terraform_data.t.output\n}}\n',
    },
    "splat": {
        "main.tf": BASE,
        "x.tf": f'resource "aws_ssm_parameter" "t" {{\n  count = 1\n  value = {PEM}\n}}\nresource "a_b" "x" {{\n  v = one(aws_ssm_parameter.t[*].value)\n}}\n',
    },
}  # fmt: skip


@pytest.mark.parametrize("way", BEHIND)
def test_the_pem_is_followed_to_the_end(way, tmp_path):
    """Consumers are found through outputs, module arguments, locals, for_each, dynamic blocks and
    data sources.
    """
    home = world(tmp_path, BEHIND[way])
    (declared,) = home.inventory().documents[0].declared.certificates
    names = [each.what for each in declared.trust]
    assert sum("a_b.x" in name for name in names) == 1, names
    assert not any("other" in name for name in names), names


def test_a_condition_is_no_consumer(tmp_path):
    """A check or precondition that reads the PEM is no consumer, and `--trust-bundle` does not edit
    it.
    """
    text = (
        f'resource "a_b" "x" {{\n  lifecycle {{\n    precondition {{\n      condition = {PEM} != ""\n      error_message = "no"\n    }}\n  }}\n}}\n'
        f'check "c" {{\n  assert {{\n    condition = {PEM} != ""\n    error_message = "no"\n  }}\n}}\n'
    )
    assert consumers(tmp_path, {"trust.tf": text}) == {}
    home = world(tmp_path, {"main.tf": BASE, "trust.tf": text})
    assert [change.path for change in home.ask(trust_bundle=True)[1].patches[0].changes] == [
        "main.tf"
    ]


def test_what_follows_a_consumer_that_is_never_sent_is_not_sent_either(tmp_path):
    """A consumer of a resource that Terraform never updates is not updated either."""
    text = (
        f'resource "aws_ssm_parameter" "p" {{\n  value = {PEM}\n{IGNORING % "value"}}}\n'
        'resource "aws_lambda_function" "x" {\n  environment {\n    variables = { ca = aws_ssm_parameter.p.value }\n  }\n}\n'
    )
    found = consumers(tmp_path, {"trust.tf": text})
    assert found["aws_ssm_parameter.p"].delivery is Delivery.IGNORED
    assert found["aws_lambda_function.x"].delivery is Delivery.NEVER


def test_a_provisioner_that_a_changing_resource_replaces_runs_again(tmp_path):
    """A provisioner runs again if replace_triggered_by names a resource that gets the new PEM."""
    text = (
        f'resource "aws_ssm_parameter" "p" {{\n  value = {PEM}\n}}\n'
        f'resource "terraform_data" "x" {{\n{PUSH % PEM}  lifecycle {{\n    replace_triggered_by = [aws_ssm_parameter.p]\n  }}\n}}\n'
    )
    assert consumers(tmp_path, {"trust.tf": text})["terraform_data.x"].delivery is Delivery.REPLACED


def test_each_header_says_what_its_apply_does_to_the_consumers(tmp_path):
    """Each header says what its apply does to the consumers, with and without `--trust-bundle`."""
    text = (
        ROWS[0][0].replace('"x"', '"sent"')
        + ROWS[1][0].replace('"x"', '"wo"').replace("version = 1", "version = var.v")
        + BY_LOCAL.replace('"x"', '"push"')
    )
    plain, both = (
        headers(tmp_path / "a", {"trust.tf": text}),
        headers(tmp_path / "b", {"trust.tf": text}, trust_bundle=True),
    )
    assert (
        "trust.tf:2: resource aws_ssm_parameter.sent keeps only the old PEM"
        in plain[Phase.INTRODUCE]
    )
    assert (
        "trust.tf:2: resource aws_ssm_parameter.sent still has only the old PEM"
        in plain[Phase.REPOINT]
    )
    assert (
        "trust.tf:2: resource aws_ssm_parameter.sent changes in this apply" in both[Phase.INTRODUCE]
    )
    assert "aws_ssm_parameter.sent" not in both[Phase.REPOINT]
    kept = "trust.tf:5: resource aws_ssm_parameter.wo is not edited and keeps the old PEM"
    assert kept in both[Phase.INTRODUCE]
    for shown in (plain, both):
        assert "aws_ssm_parameter.wo still has only the old PEM" in shown[Phase.REPOINT]
        assert (
            "null_resource.push still has only the old PEM, and changes in this apply"
            in shown[Phase.REPOINT]
        )
        assert (
            "aws_ssm_parameter.sent changes in this apply and has only the new PEM"
            in shown[Phase.RETIRE]
        )
        assert "aws_ssm_parameter.wo keeps its PEM" in shown[Phase.RETIRE]
        assert "to only the old PEM" in shown[Phase.REPOINT]


def test_what_is_ignored_is_not_edited_unless_another_consumer_needs_it(tmp_path):
    """An ignored consumer is not edited; a local that another consumer also reads is."""
    ignored = f'resource "a_b" "x" {{\n  v = {PEM}\n{IGNORING % "v"}}}\n'
    home = world(tmp_path / "a", {"main.tf": BASE, "trust.tf": ignored})
    assert [change.path for change in home.ask(trust_bundle=True)[1].patches[0].changes] == [
        "main.tf"
    ]
    shared = (
        f"locals {{\n  ca = {PEM}\n}}\n"
        + ignored.replace(PEM, "local.ca")
        + 'resource "aws_ssm_parameter" "y" {\n  value = local.ca\n}\n'
    )
    home = world(tmp_path / "b", {"main.tf": BASE, "trust.tf": shared})
    assert [change.path for change in home.ask(trust_bundle=True)[1].patches[0].changes] == [
        "main.tf",
        "trust.tf",
    ]


def test_the_runbook_promises_nothing_that_terraform_does_not_send(tmp_path):
    """The runbook promises both PEMs, or no other changes, only if Terraform does so."""
    home = world(
        tmp_path,
        {
            "main.tf": BASE,
            "trust.tf": ROWS[1][0].replace("version = 1", "version = var.v")
            + BY_LOCAL.replace('"x"', '"push"'),
        },
    )
    outcome, patches = home.ask(every=True, trust_bundle=True)
    declared = outcome.cases.documents[0].document.declared
    now = {"as_of": outcome.cases.as_of, "where": "here", "trust_bundle": True}
    text = runbook(patches.rotations, declared, outcome.cases.policy, **now)
    assert "Introduce gives it both" not in text
    assert "changes nothing else" not in text
    assert "It also changes resource null_resource.push (trust.tf:" in text


def test_files_that_were_not_searched_are_named_where_no_consumer_was_found(tmp_path):
    """The runbook says that no consumer exists only if every file was searched; others
    are named.
    """
    for number, (more, words) in enumerate(
        (
            ({}, "or nothing checks it"),
            ({"more.tofu": "# client_certificate\n"}, "there may be some"),
            (
                {"more.tf.json": '{"locals": {"pem": "${module.gateway.pem}"}}'},
                "were not searched: more.tf.json",
            ),
        )
    ):
        home = world(tmp_path / str(number), {"main.tf": BASE, **more})
        outcome, patches = home.ask(every=True)
        declared = outcome.cases.documents[0].document.declared
        text = runbook(
            patches.rotations,
            declared,
            outcome.cases.policy,
            as_of=outcome.cases.as_of,
            where="here",
        )
        assert words in text or "blocked" in text


RUN = '\n  # tells the backend\n  provisioner "local-exec" {\n    command = "echo \'${self.pem_encoded_certificate}\' > ca.pem"\n  }\n'
LAST = '\n  provisioner "local-exec" {\n    when    = destroy\n    command = "untrust ${self.id}"\n  }\n'
HOST = '\n  connection {\n    host = "h"\n  }\n'
FILE = '\n  provisioner "file" {\n    content     = self.pem_encoded_certificate\n    destination = "/ca"\n  }\n'
REMOTE = '\n  provisioner "remote-exec" {\n    inline = ["reload"]\n    connection {\n      host = "h"\n    }\n  }\n'
ACTION = "\n  lifecycle {\n    action_trigger {\n      events  = [after_create]\n      actions = [action.a.b]\n    }\n  }\n"


def with_runs(*parts, head=""):
    return BASE.replace(
        '  description = "orders"\n', f'{head}  description = "orders"\n{"".join(parts)}'
    )


@pytest.mark.parametrize(
    ("parts", "kept", "lines"),
    [
        ((RUN,), "", 1),
        ((FILE, REMOTE), "", 2),
        ((HOST, FILE), "", 1),
        ((LAST,), LAST, 0),
        ((RUN, LAST), LAST, 1),
        ((HOST, RUN, LAST), HOST + LAST, 1),
        ((ACTION,), "\n  lifecycle {\n  }\n", 1),
    ],
)
def test_what_runs_at_creation_is_left_out_of_the_successor_and_named(parts, kept, lines, tmp_path):
    """Creation-time provisioners and actions are left out of the successor and named; the rest is
    copied.
    """
    home = world(tmp_path, {"main.tf": with_runs(*parts)})
    _, patches = home.ask()
    (entry,) = patches.patches
    assert entry.phase is Phase.INTRODUCE
    text = entry.changes[0].after.decode()
    head = f'resource "{CERTIFICATE}" "orders_202611" {{\n  description = "orders"\n'
    assert f"{head}{kept}}}\n" in text
    assert "".join(parts) in text, "the predecessor's block stays as it was"
    shown = (
        patch_text(entry, repository_paths(home.configuration()))
        .decode()
        .partition("diff --git")[0]
    )
    assert shown.count("is left out of the successor") == lines
    if lines:
        assert "main.tf:" in shown.partition("is left out")[0].rpartition("careful: ")[2]


@pytest.mark.parametrize(
    ("head", "state"),
    [("  count = 1\n\n", f"{C}[0]"), ('  for_each = toset(["a"])\n\n', f'{C}["a"]')],
)
def test_instances_leave_it_out_too(head, state, tmp_path):
    """Creation-time provisioners are left out with `count` and `for_each` too."""
    key = state.removeprefix(C)
    text = with_runs(RUN, head=head).replace(f"{C}.id", f"{C}{key}.id")
    home = world(tmp_path, {"main.tf": text}, certificates={state: "old000"})
    _, patches = home.ask()
    assert patches.patches[0].changes[0].after.decode().count("self.pem_encoded_certificate") == 1


def test_a_hashed_file_leaves_it_out_of_the_new_file(tmp_path):
    """Creation-time provisioners are left out of a successor in a new file too."""
    home = world(
        tmp_path,
        {"main.tf": with_runs(RUN), "d.tf": 'resource "x_y" "d" {\n  t = filesha1("main.tf")\n}\n'},
    )
    (change,) = home.ask()[1].patches[0].changes
    assert change.before is None
    assert b"provisioner" not in change.after


def test_the_whole_rotation_of_a_certificate_with_provisioners(tmp_path):
    """A certificate with provisioners goes through all phases.

    Retire says that its destroy-time provisioner does not run.
    """
    home = world(tmp_path, {"main.tf": with_runs(RUN, LAST)})
    said = {}
    for phase in (Phase.INTRODUCE, Phase.REPOINT, Phase.RETIRE):
        _, patches = home.ask()
        assert [entry.phase for entry in patches.patches] == [phase], patches.rotations
        said[phase] = patch_text(
            patches.patches[0], repository_paths(home.configuration())
        ).decode()
        home.write(patches)
        home.apply(phase, patches.rotations)
    assert "still has only the old PEM" in said[Phase.REPOINT]
    assert "`when = destroy` and does not run in retire" in said[Phase.RETIRE]
    assert f"removed {{ from = {C} }}" in said[Phase.RETIRE]
    assert b"self.pem_encoded_certificate" not in tree(tmp_path)["main.tf"]


def test_awscc_leaves_it_out_too(tmp_path):
    """Creation-time provisioners are left out of a certificate of the awscc provider too."""
    kind = "awscc_apigateway_client_certificate"
    text = (
        with_runs(REMOTE)
        .replace(CERTIFICATE, kind)
        .replace(f"{kind}.orders.id", f"{kind}.orders.client_certificate_id")
    )
    home = world(tmp_path, {"main.tf": text}, certificates={f"{kind}.orders": "old000"})
    _, patches = home.ask()
    assert patches.patches[0].changes[0].after.count(b"provisioner") == 1


HASHED = f"""resource "aws_s3_object" "o" {{
  bucket  = "b"
  key     = "${{sha256({PEM})}}.pem"
  content = {PEM}
}}
"""


@pytest.mark.parametrize(
    ("object_text", "store", "delivery"),
    [
        (HASHED, "ca_certificates_bundle_s3_key = aws_s3_object.o.key", Delivery.SENT),
        (HASHED, "ca_certificates_bundle_s3_key = aws_s3_object.o.id", Delivery.SENT),
        (HASHED, "ca_certificates_bundle_s3_bucket = aws_s3_object.o.bucket", Delivery.NEVER),
        (
            HASHED.replace(f"${{sha256({PEM})}}", "ca"),
            "ca_certificates_bundle_s3_key = aws_s3_object.o.key",
            Delivery.NEVER,
        ),
        (
            HASHED.replace(f"${{sha256({PEM})}}", "ca"),
            "ca_certificates_bundle_s3_key = aws_s3_object.o.key\n  lifecycle {\n    replace_triggered_by = [aws_s3_object.o]\n  }",
            Delivery.REPLACED,
        ),
        (
            HASHED.replace(f"${{sha256({PEM})}}", "ca"),
            (
                'name = "t"\n  ca_certificates_bundle_s3_key = aws_s3_object.o.key\n'
                "  lifecycle {\n    create_before_destroy = true\n    replace_triggered_by = [aws_s3_object.o]\n  }"
            ),
            Delivery.BREAKS,
        ),
    ],
)
def test_a_trust_store_follows_an_object_whose_key_changes(object_text, store, delivery, tmp_path):
    """A trust store follows an object whose key has a hash of its content, or is replaced
    with it.
    """
    text = f'{object_text}resource "aws_lb_trust_store" "t" {{\n  {store}\n}}\n'
    found = consumers(tmp_path, {"trust.tf": text})
    assert found["aws_lb_trust_store.t"].delivery is delivery
    assert (found["aws_s3_object.o"].delivery is Delivery.REPLACED) is (object_text == HASHED)


PLAIN = HASHED.replace(f"${{sha256({PEM})}}", "ca")
KEY = "ca_certificates_bundle_s3_key = aws_s3_object.o.key\n"
FROM_FILE = f"""\
resource "local_file" "f" {{
  filename = "ca.pem"
  content  = {PEM}
}}
resource "aws_s3_object" "o" {{
  bucket = "b"
  key    = "ca.pem"
  source = local_file.f.filename
}}
"""
COPY = 'resource "aws_s3_object_copy" "c" {\n  bucket = "c"\n  key = "ca"\n  source = "b/${aws_s3_object.o.key}"\n}\n'


@pytest.mark.parametrize(
    ("objects", "store", "delivery"),
    [
        (
            PLAIN,
            f"{KEY}{VERSION}  lifecycle {{\n    ignore_changes = [ca_certificates_bundle_s3_object_version]\n  }}",
            Delivery.IGNORED,
        ),
        (PLAIN, f"{KEY}{VERSION}  lifecycle {{\n    ignore_changes = all\n  }}", Delivery.IGNORED),
        (PLAIN, f"{KEY}{VERSION.replace('version_id', 'etag')}", Delivery.NEVER),
        (
            PLAIN,
            f"{KEY}  lifecycle {{\n    replace_triggered_by = [aws_s3_object.o.etag]\n  }}",
            Delivery.NEVER,
        ),
        (
            PLAIN,
            f"{KEY}  lifecycle {{\n    replace_triggered_by = [aws_s3_object.o.version_id]\n  }}",
            Delivery.REPLACED,
        ),
        (FROM_FILE, KEY, Delivery.NEVER),
        (
            PLAIN + COPY,
            "ca_certificates_bundle_s3_key = aws_s3_object_copy.c.key\n",
            Delivery.NEVER,
        ),
    ],
)
def test_a_trust_store_that_keeps_the_old_bundle_is_named(objects, store, delivery, tmp_path):
    """A trust store that keeps the old bundle is named: ignored or unchanged versions, files and
    copies.
    """
    text = f'{objects}resource "aws_lb_trust_store" "t" {{\n  {store}\n}}\n'
    assert consumers(tmp_path, {"trust.tf": text})["aws_lb_trust_store.t"].delivery is delivery


@pytest.mark.parametrize(
    "text",
    [
        (
            f'resource "aws_ssm_parameter" "x" {{\n  value_wo = {PEM}\n  value_wo_version = parseint(substr(sha256({PEM}), 0, 6), 16)\n'
            f"{IGNORING % 'value_wo_version'}}}\n"
        ),
        f'resource "terraform_data" "x" {{\n  triggers_replace = [{PEM}]\n{PUSH % PEM}{IGNORING % "triggers_replace"}}}\n',
    ],
)
def test_a_version_or_trigger_under_ignore_changes_sends_nothing(text, tmp_path):
    """A version or trigger in ignore_changes sends nothing to the consumer."""
    home = world(tmp_path, {"main.tf": BASE, "trust.tf": text})
    (declared,) = home.inventory().documents[0].declared.certificates
    assert {each.delivery for each in declared.trust} <= {Delivery.NEVER, Delivery.IGNORED}
