"""`--trust-file` and `[trust.backends]` on the command line: evidence, and refused files."""

from __future__ import annotations

import json
import subprocess

import pytest
from trust_root import AT, MARK, POLICY, S, evidence, issue_pems, lay

from checker.reports.json_v1_read import read_document
from checker.reports.markdown import render_documents
from checker.reports.markdown.escape import NamedAccounts


@pytest.fixture(scope="module")
def pems():
    return issue_pems()


@pytest.fixture
def root(tmp_path, pems):
    return lay(tmp_path, pems)


def test_the_policys_bundle_is_read_and_the_option_names_another_one(tfcert, root, pems):
    """The bundle's path is relative to the policy file, and --trust-file overrides it.

    No other byte of it is reported.
    """
    (root / "sub").mkdir()
    for where, sources in ((root, AT), (root / "sub", ("../state.json", *AT[1:]))):
        found = evidence(tfcert("check", *sources, "--format", "json", cwd=where))
        assert (found["backend"], found["status"], found["predecessor"]) == (
            "orders",
            "refused",
            "confirmed",
        )
        assert len(found["fingerprints"]) == 2
    (root / "new.pem").write_text(pems["new"])
    option = ("--trust-file", "orders=new.pem")
    found = evidence(tfcert("check", *AT, *option, "--format", "json", cwd=root))
    assert (found["status"], found["source"]) == ("confirmed", "new.pem")
    for name in ("text", "json", "markdown", "html", "sarif"):
        done = tfcert("check", *AT, "--format", name, cwd=root)
        assert MARK.encode() not in done.stdout + done.stderr
        assert pems["new"].splitlines()[1].encode() not in done.stdout + done.stderr


def test_the_document_fits_its_schema_and_comment_takes_it_with_and_without_trust(outcome, root):
    """A document with or without `trust` fits its schema and is accepted by comment."""
    document, _ = outcome(*AT, cwd=root)
    (found,) = document["rotations"][0]["trust"]
    assert found["stages"] == [f"{S}.prod"]
    page = render_documents([NamedAccounts(name="", document=taken(document))])
    assert "backend `orders` (`trust/orders.pem`): **refused**" in page
    (root / "tfcert.toml").unlink()
    document, _ = outcome(*AT, cwd=root)
    assert "trust" not in document["rotations"][0]
    assert "trust:" not in render_documents([NamedAccounts(name="", document=taken(document))])


def taken(document):
    return read_document("outcome.json", json.dumps(document).encode())


def test_headers_and_the_runbook_have_the_evidence(tfcert, root):
    done = tfcert("patch", *AT, "--phase", "all", "--out", "out", cwd=root)
    assert done.returncode in {0, 3}, done.stderr
    line = "does not hold now: backend orders (trust/orders.pem): refused"
    for name in ("2-repoint.patch", "RUNBOOK.md"):
        text = (root / "out" / name).read_text()
        assert line in text, text
        assert MARK not in text


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("ordres=new.pem",), b"declares no backend 'ordres'"),
        (("orders",), b"is not BACKEND=PATH"),
        (("orders=a.pem", "orders=b.pem"), b"has two files"),
        (("orders=missing.pem",), b"missing.pem"),
        (("orders=mark.pem",), b"has no certificate in PEM form"),
        (("orders=broken.pem",), b"certificate 1 of it cannot be read"),
    ],
)
def test_what_cannot_be_read_is_exit_2_and_never_an_empty_bundle(tfcert, root, given, says):
    (root / "mark.pem").write_text(MARK)
    (root / "broken.pem").write_text(
        f"-----BEGIN CERTIFICATE-----\n{MARK}\n-----END CERTIFICATE-----\n"
    )
    options = [part for each in given for part in ("--trust-file", each)]
    for verb in ("check", "patch"):
        done = tfcert(verb, *AT, *options, cwd=root)
        assert (done.returncode, done.stdout) == (2, b"")
        assert says in done.stderr
        assert MARK.encode() not in done.stderr


def test_a_policy_without_backends_takes_no_file(tfcert, root):
    (root / "tfcert.toml").write_text("threshold_days = 30\n")
    done = tfcert("check", *AT, "--trust-file", "orders=new.pem", cwd=root)
    assert done.returncode == 2
    assert b"declare it in tfcert.toml: [trust.backends.orders]" in done.stderr


@pytest.mark.parametrize(
    "line",
    ['server = "nginxx"', 'bundle = "http://a/b.pem"', 'stages = "prod"', "bundle = 1", 'x = "y"'],
)
def test_a_policy_with_a_wrong_backend_is_exit_2_with_its_line(tfcert, root, line):
    key = line.split()[0]
    kept = [each for each in POLICY.splitlines() if not each.startswith(key)]
    (root / "tfcert.toml").write_text("\n".join([*kept, line, ""]))
    done = tfcert("check", *AT, cwd=root)
    assert done.returncode == 2, done.stdout
    assert f"tfcert.toml:{len(kept) + 1}:".encode() in done.stderr


def test_policy_base_reads_the_bundle_of_the_commit(tfcert, root, pems):
    """With --policy-base the bundle of the commit is read, not the changed file."""
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-C", str(root))
    for command in (("init", "-q"), ("add", "."), ("commit", "-qm", "one")):
        subprocess.run([*git, *command], check=True)
    (root / "trust/orders.pem").write_text(pems["new"])
    path = {"PATH": "/usr/bin:/bin"}
    for option, status in (((), "confirmed"), (("--policy-base", "HEAD"), "refused")):
        done = tfcert("check", *AT, *option, "--format", "json", cwd=root, environment=path)
        assert evidence(done)["status"] == status


def test_policy_show_has_the_backends(tfcert, root):
    done = tfcert("policy", "show", cwd=root)
    assert b"[trust.backends.orders]  # tfcert.toml:1" in done.stdout
    assert b'server = "nginx"' in done.stdout
