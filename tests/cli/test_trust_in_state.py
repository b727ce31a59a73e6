"""Recorded consumers of a PEM are evidence, by the fingerprints of their certificates only."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
import sys

import pytest
from trust_root import AT, MARK, C, S, issue_pems, lay

SECRET = f"password={MARK}"
KEY = f"-----BEGIN PRIVATE KEY-----\n{MARK}\n-----END PRIVATE KEY-----\n"


@pytest.fixture(scope="module")
def pems():
    return issue_pems()


def consumer(kind, argument, expression, attributes, name="trust"):
    """Return the text of a consumer and its instance in state."""
    text = f'\nresource "{kind}" "{name}" {{\n  {argument} = {expression}\n}}\n'
    return text, kind, name, attributes


def root(folder, pems, *consumers, policy=False):
    """Return a root module between introduce and repoint, with these consumers in text
    and state.
    """
    lay(folder, pems)
    if not policy:
        (folder / "tfcert.toml").unlink()
    state = json.loads((folder / "state.json").read_text())
    for text, kind, name, attributes in consumers:
        with (folder / "main.tf").open("a") as file:
            file.write(text)
        state["resources"].append({
            "mode": "managed", "type": kind, "name": name,
            "provider": 'provider["registry.terraform.io/hashicorp/aws"]',
            "instances": [{"schema_version": 0, "attributes": attributes, "sensitive_attributes": []}],
        })  # fmt: skip
    (folder / "state.json").write_text(json.dumps(state))
    return folder


def run(folder, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", "checker", *arguments],
        cwd=folder, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode in {0, 1, 3}, done.stderr
    assert MARK not in done.stdout + done.stderr
    return done


def judged(folder):
    """Return the rotation of a check, and its evidence by consumer."""
    document = json.loads(run(folder, "check", *AT, "--format", "json").stdout)
    (rotation,) = document["rotations"]
    return rotation, {each["backend"]: each for each in rotation.get("trust", ())}


OLD = f"{C}.old.pem_encoded_certificate"
NEW = f"{C}.new.pem_encoded_certificate"
BOTH = f'join("\\n", [{OLD}, {NEW}])'


@pytest.mark.parametrize(
    ("kind", "attribute", "form"),
    [
        ("aws_ssm_parameter", "value", str),
        ("aws_s3_object", "content", str),
        ("aws_s3_object", "content_base64", "base64"),
        ("aws_secretsmanager_secret_version", "secret_string", "json"),
        ("kubernetes_secret", "data", "object"),
        ("kubernetes_secret", "binary_data", "objects in base64"),
        ("local_sensitive_file", "content", str),
        ("aws_launch_template", "user_data", "cloud-config"),
        ("aws_launch_template", "user_data", "gzip"),
        ("aws_launch_template", "user_data", "gzip in a file of a cloud-config"),
        ("aws_lambda_function", "environment", "two forms"),
        ("aws_ecs_task_definition", "container_definitions", "environment"),
        ("aws_lambda_function", "environment", "block"),
        ("some_thing", "inner", "block"),
    ],
)
def test_each_form_of_a_value_is_read(tmp_path, pems, kind, attribute, form):
    """Each form of a value is read: the old PEM is refused, the new confirmed, and both not
    confirmed.
    """

    def shown(text):
        plain = base64.b64encode(text.encode()).decode()
        packed = base64.b64encode(gzip.compress(text.encode())).decode()
        first, _, second = text.partition("-----END CERTIFICATE-----")
        second = base64.b64encode(gzip.compress(second.encode())).decode()
        file = "\n      ".join(packed[at : at + 76] for at in range(0, len(packed), 76))
        indented = "#cloud-config\nfiles:\n  - content: |\n      " + text.replace("\n", "\n      ")
        return {
            str: text,
            "base64": plain,
            "json": json.dumps({"ca": text, "user": SECRET}),
            "object": {"ca.crt": text, "user": SECRET},
            "objects in base64": {"ca.crt": plain, "user": MARK},
            "gzip": packed,
            "gzip in a file of a cloud-config": base64.b64encode(
                f"#cloud-config\nfiles:\n  - encoding: gz+b64\n    content: |\n      {file}\n# {SECRET}".encode()
            ).decode(),
            "two forms": [{"CA": f"{first}-----END CERTIFICATE-----\n# {second}\n"}],
            "cloud-config": base64.b64encode(f"{indented}\n# {SECRET}\n".encode()).decode(),
            "environment": json.dumps([{"environment": [{"name": "CA", "value": text}]}]),
            "block": [{"variables": {"CA": text, "PASSWORD": SECRET}}],
        }[form]

    value = f"{{ ca = {OLD} }}" if "object" in str(form) or form == "block" else OLD
    for names, status in (
        (("old",), "refused"),
        (("old", "new"), "not confirmed"),
        (("new",), "confirmed"),
    ):
        folder = tmp_path / "-".join(names)
        folder.mkdir()
        text = f"{KEY}\n" + "\n".join(pems[name] for name in names)
        root(folder, pems, consumer(kind, attribute, value, {attribute: shown(text)}))
        _, evidence = judged(folder)
        found = evidence[f"{kind}.trust"]
        assert (found["status"], found["source"]) == (status, "state state.json"), found
        assert found["stages"] == [f"{S}.prod"]
        assert len(found["fingerprints"]) == len(names)


def parameter(text, name="trust", expression=OLD):
    return consumer("aws_ssm_parameter", "value", expression, {"value": text}, name)


@pytest.mark.parametrize(
    ("kind", "argument", "attributes", "reason"),
    [
        ("aws_ssm_parameter", "value_wo", {"value_wo": None, "value_wo_version": 1}, "value_wo is write-only"),
        ("aws_instance", "user_data", {"user_data": "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12"}, "only a hash"),
        ("aws_ssm_parameter", "value", {"value": MARK}, "no certificate in PEM form"),
        ("aws_ssm_parameter", "value", {"value": f"-----BEGIN CERTIFICATE-----\n{MARK}\n-----END CERTIFICATE-----"}, "certificate 1 of it cannot be read"),
        ("aws_ssm_parameter", "value", {}, "value is not in the document"),
        ("aws_launch_template", "user_data", {"user_data": "H4sI" + "A" * 400}, "compressed data that cannot be read"),
        ("aws_ssm_parameter", "value", {"value": "[" * 99}, "no certificate in PEM form"),
        ("aws_ssm_parameter", "value", {"value": [[[[[[[[[[MARK]]]]]]]]]]}, "nested too deep"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_not_confirmed_with_the_reason(
    tmp_path, pems, kind, argument, attributes, reason
):
    """An unreadable value is not confirmed, with a reason and none of its content."""
    root(tmp_path, pems, consumer(kind, argument, OLD, attributes))
    _, evidence = judged(tmp_path)
    found = evidence[f"{kind}.trust"]
    assert (found["status"], found["predecessor"]) == ("not confirmed", "not confirmed")
    assert reason in found["reason"]
    assert found["fingerprints"] == []


def test_a_successor_in_a_place_of_its_own_is_no_refusal(tmp_path, pems):
    """Separate parameters for each certificate are not confirmed and no refusal."""
    root(tmp_path, pems, parameter(pems["old"]), parameter(pems["new"], "second", NEW))
    _, evidence = judged(tmp_path)
    for name in ("trust", "second"):
        found = evidence[f"aws_ssm_parameter.{name}"]
        assert found["status"] == found["predecessor"] == "not confirmed"
        assert "each certificate has a place of its own" in found["reason"]


def test_a_consumer_with_both_is_told_what_it_may_drop(tmp_path, pems):
    """Once no stage presents the old one, the text and the JSON name it; before that, nothing may be dropped."""
    for shown, names in (("old", "old new"), ("new", "new"), ("new", "old new")):
        folder = tmp_path / f"{shown} {names}"
        folder.mkdir()
        root(folder, pems, parameter("\n".join(pems[name] for name in names.split())))
        for name in ("main.tf", "state.json"):
            text = (folder / name).read_text()
            text = text.replace(
                f"client_certificate_id = {C}.old", f"client_certificate_id = {C}.{shown}"
            )
            text = text.replace(
                '"client_certificate_id": "old000"', f'"client_certificate_id": "{shown}000"'
            )
            (folder / name).write_text(text)
        _, evidence = judged(folder)
        found = evidence["aws_ssm_parameter.trust"]
        text = " ".join(run(folder, "check", *AT).stdout.split())
        if (shown, names) == ("new", "old new"):
            (print_,) = found["may_drop"]
            assert print_ in found["fingerprints"]
            assert f"has both; after retire, take the certificate with SHA-256 {print_}" in text
        else:
            assert found["may_drop"] == []
            assert "after retire" not in text


def test_two_texts_of_one_consumer_are_no_refusal(tmp_path, pems):
    """Two PEMs in separate keys of one consumer are not confirmed and no refusal."""
    data = {"old.crt": pems["old"], "new.crt": pems["new"]}
    one = consumer("kubernetes_secret", "data", f"{{ a = {OLD}, b = {NEW} }}", {"data": data})
    root(tmp_path, pems, one)
    document = json.loads(run(tmp_path, "check", *AT, "--format", "json").stdout)
    (rotation,) = document["rotations"]
    assert {each["status"] for each in rotation["trust"]} <= {"not confirmed", "confirmed"}
    assert "not confirmed" in {each["status"] for each in rotation["trust"]}


def test_a_consumer_that_state_does_not_have_is_named(tmp_path, pems):
    """A consumer that state does not have is named as not confirmed."""
    push = (
        f'\nresource "terraform_data" "push" {{\n  triggers_replace = [{C}.old.id]\n'
        f'  provisioner "local-exec" {{\n    command = "push"\n    environment = {{\n      PEM = {OLD}\n    }}\n  }}\n}}\n'
    )
    root(tmp_path, pems, parameter(pems["old"]), (push, "terraform_data", "push", {"id": "x"}))
    rotation, _ = judged(tmp_path)
    assert {each["status"] for each in rotation["trust"]} == {"refused", "not confirmed"}
    said = json.dumps(rotation["trust"])
    assert "terraform_data.push" in said


RUN = '  provisioner "local-exec" {\n%s    command = "tell ${self.%s}"\n  }\n'


@pytest.mark.parametrize(
    ("run_", "name"),
    [
        (RUN % ("", "pem_encoded_certificate"), 'provisioner "local-exec" of'),
        (RUN % ("    when = destroy\n", "pem_encoded_certificate"), "(when = destroy) of"),
        (RUN % ("    when = destroy\n", "id"), "(when = destroy) of"),
    ],
)
@pytest.mark.parametrize("block", ["old", "new"])
def test_what_a_certificate_block_runs_is_named_as_not_confirmed(tmp_path, pems, run_, name, block):
    """Nothing records what its own provisioners told a backend, at creation or at destruction."""
    root(tmp_path, pems)
    main = tmp_path / "main.tf"
    head = f'resource "{C}" "{block}" {{\n'
    main.write_text(main.read_text().replace(head, head + run_))
    _, evidence = judged(tmp_path)
    assert evidence[None]["status"] == "not confirmed"
    assert f"{name} {C}.{block} has now" in evidence[None]["reason"]


def test_a_provisioner_that_passes_the_value_on_is_named_beside_it(tmp_path, pems):
    """What state records of the parameter does not show what its provisioner pushed."""
    text, *rest = parameter("\n".join(pems.values()))
    text = text.replace(f"value = {OLD}\n", f"value = {OLD}\n{RUN % ('', 'value')}")
    root(tmp_path, pems, (text, *rest))
    _, evidence = judged(tmp_path)
    assert evidence["aws_ssm_parameter.trust"]["status"] == "not confirmed"
    assert "a provisioner of resource aws_ssm_parameter.trust" in evidence[None]["reason"]


def test_a_run_that_takes_nothing_of_the_block_is_none(tmp_path, pems):
    root(tmp_path, pems)
    main = tmp_path / "main.tf"
    text = RUN.replace("${self.%s}", "x") % "    when = destroy\n"
    head = f'resource "{C}" "old" {{\n'
    main.write_text(main.read_text().replace(head, head + text))
    assert judged(tmp_path)[1] == {}


def test_a_declared_backend_and_a_consumer_both_count(tmp_path, pems):
    """A refusal by a consumer counts beside a confirming declared backend."""
    root(tmp_path, pems, parameter(pems["old"]), policy=True)
    rotation, evidence = judged(tmp_path)
    assert evidence["aws_ssm_parameter.trust"]["status"] == "refused"
    assert {each["backend"] for each in rotation["trust"]} == {"aws_ssm_parameter.trust", "orders"}


def test_no_byte_of_a_value_reaches_an_output_or_a_file(tmp_path, pems, monkeypatch):
    """Only fingerprints of a value reach any output, patch or file."""
    cache = tmp_path / "home"
    cache.mkdir()
    for name in ("HOME", "XDG_CACHE_HOME", "TMPDIR"):
        monkeypatch.setenv(name, str(cache))
    folder = tmp_path / "root"
    folder.mkdir()
    text = f"{KEY}{pems['old']}\n# {SECRET}"
    one = consumer("aws_ssm_parameter", "value", OLD, {"value": text})
    other = consumer(
        "kubernetes_secret", "data", f"{{ a = {OLD} }}", {"data": {"a": text, "b": SECRET}}
    )
    root(folder, pems, one, other)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    body = pems["old"].splitlines()[3]
    for name in (
        "text",
        "json",
        "markdown",
        "html",
        "sarif",
        "junit",
        "github",
        "gitlab",
        "openmetrics",
    ):
        done = run(folder, "check", *AT, "--format", name)
        assert body not in done.stdout + done.stderr
        if name in {"text", "markdown", "html", "json"}:
            words = " ".join(done.stdout.split())
            assert "aws_ssm_parameter.trust" in words, name
            assert "its bundle does not have the certificate" in words, name
    done = run(folder, "patch", *AT, "--phase", "repoint", "--out", "patches")
    assert body not in done.stdout + done.stderr
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path not in before]
    assert any(path.name == "RUNBOOK.md" for path in written)
    for path in written:
        data = path.read_bytes()
        assert MARK.encode() not in data, path
        assert body.encode() not in data, path
    assert b"its bundle does not have the certificate" in b"".join(
        path.read_bytes() for path in written
    )
    assert all(path.read_bytes() == data for path, data in before.items())
