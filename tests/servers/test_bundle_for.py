"""Tests of `tfcert bundle --for` and `--no-comments` on the command line: what they write, omit and
refuse.
"""

from __future__ import annotations

import json
import re
import ssl
from hashlib import sha1, sha256

import pytest
from callers import state
from cryptography import x509
from rows import PAGE, READ, SEEN, table

from checker.reports.servers import SERVERS


def hashes(certificates, name):
    """Return the texts that can represent a certificate in a server's file."""
    pem = (certificates / f"{name}.pem").read_text()
    der = ssl.PEM_cert_to_DER_cert(pem)
    body = "".join(pem.split("\n")[1:-2])
    return {sha1(der).hexdigest(), sha256(der).hexdigest(), sha1(pem.encode()).hexdigest(), body}


def written(folder):
    """Return the files of a folder by name, without the page."""
    return {path.name: path.read_text() for path in folder.iterdir() if path.suffix != ".md"}


def names(text, certificates, name):
    """Return whether a text represents a certificate in any form."""
    return any(each in text.replace("\n", "") for each in hashes(certificates, name))


@pytest.mark.parametrize("server", SERVERS)
def test_the_files_name_both_and_the_page_has_all_of_them(bundle, certificates, tmp_path, server):
    """stdout has the page; with --out the same page is written beside the files, and shows them
    whole.
    """
    page = bundle(("old", "new"), "--for", server)
    assert page.returncode == 0, page.stderr
    done = bundle(("old", "new"), "--for", server, "--out", tmp_path / "new" / "folder")
    assert (done.returncode, done.stdout) == (0, b"")
    folder = tmp_path / "new" / "folder"
    assert (folder / f"tfcert-{server}.md").read_bytes() == page.stdout
    assert f"tfcert-{server}.md says where each file belongs".encode() in done.stderr
    files = written(folder)
    assert {*files} == {*SERVERS[server].names}
    text = page.stdout.decode()
    for name, content in files.items():
        assert f"## {name}\n" in text
        assert content.rstrip("\n") in text
    assert all(names("".join(files.values()), certificates, each) for each in ("old", "new"))
    assert not names("".join(files.values()), certificates, "third")
    assert "INCOMPLETE" not in text


@pytest.mark.parametrize("server", SERVERS)
def test_a_certificate_that_has_ended_is_in_no_file(bundle, certificates, tmp_path, server):
    """A certificate that has ended is named but in no file.

    The exit code is 3, because a stage presents it.
    """
    done = bundle(("expired", "new"), "--for", server, "--out", tmp_path / "files")
    assert done.returncode == 3
    assert b"left out: aws_api_gateway_client_certificate.expired (expire) has ended" in done.stderr
    text = "".join(path.read_text() for path in (tmp_path / "files").iterdir())
    assert names(text, certificates, "new")
    assert not names(text, certificates, "expired")
    assert "expired" not in text.replace("expirationPeerCertificate", "")


def test_an_ended_certificate_that_no_stage_presents_is_left_out_with_exit_0(
    bundle, certificates, tfcert, tmp_path
):
    """After repoint, an ended predecessor is in the plain bundle but not in a server's files, with
    exit code 0.
    """
    source = state(tmp_path, certificates, ("new", "expired"))
    kind = "aws_api_gateway_client_certificate"
    (tmp_path / "main.tf").write_text(
        f'resource "{kind}" "expired" {{\n}}\n\n# tfcert: succeeds {kind}.expired\nresource "{kind}" "new" {{\n}}\n\n'
        f'resource "aws_api_gateway_stage" "live" {{\n  client_certificate_id = {kind}.new.id\n}}\n'
    )
    plain = tfcert("bundle", source, "--offline")
    assert len(x509.load_pem_x509_certificates(plain.stdout)) == 2
    done = tfcert("bundle", source, "--offline", "--for", "envoy")
    assert done.returncode == 0
    assert b"left out" in done.stderr
    assert not names(done.stdout.decode(), certificates, "expired")


def test_nothing_is_written_where_every_certificate_has_ended(bundle, tmp_path):
    """Nothing is written if every certificate has ended, because a file without a certificate would
    refuse every caller.
    """
    done = bundle(("expired",), "--for", "nginx", "--out", tmp_path / "files")
    assert (done.returncode, done.stdout) == (3, b"")
    assert b"there is no certificate to write: none is known that has not ended" in done.stderr
    assert not (tmp_path / "files").exists()


@pytest.mark.parametrize(
    "pem", [None, "not a PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_i4_incomplete_files_replace_nothing(certificates, tfcert, tmp_path, pem):
    """I4: an unknown or invalid PEM is reported; the page is marked INCOMPLETE, and the folder is
    left unchanged.
    """
    source = state(tmp_path, certificates, ("old", "new"))
    document = json.loads(source.read_text())
    document["resources"][1]["instances"][0]["attributes"]["pem_encoded_certificate"] = pem
    source.write_text(json.dumps(document))
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "trust.pem").write_text("as it was")
    done = tfcert("bundle", source, "--offline", "--for", "python", "--out", folder)
    assert done.returncode == 3
    assert (
        b"incomplete: the PEM of aws_api_gateway_client_certificate.new (newxxx) is not"
        in done.stderr
    )
    assert written(folder) == {"trust.pem": "as it was"}
    page = tfcert("bundle", source, "--offline", "--for", "python")
    assert page.returncode == 3
    assert b"- **INCOMPLETE**: the PEM of aws_api_gateway_client_certificate.new" in page.stdout


def test_an_unknown_server_is_usage(bundle):
    """An unknown server is a usage error that suggests the nearest name, or lists all of them."""
    done = bundle(("old",), "--for", "ngnix")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"--for: 'ngnix' is not a known server (did you mean 'nginx'?)" in done.stderr
    done = bundle(("old",), "--for", "IIS")
    assert (
        b"known: alb, nlb, nginx, haproxy, apache, envoy, caddy, java, python, node, go"
        in done.stderr
    )


def test_the_help_names_every_server(tfcert):
    """The help of `--for` names every server of the table."""
    text = " ".join(tfcert("bundle", "--help").stdout.decode().split())
    assert f"{', '.join([*SERVERS][:-1])} or {[*SERVERS][-1]}" in re.sub(r"\s*[│|]\s*", " ", text)


def test_no_comments_is_for_the_plain_bundle(bundle, certificates):
    """`--no-comments` prints only the PEMs, one after another, and is refused with --for."""
    done = bundle(("old", "new"), "--no-comments")
    both = (certificates / "old.pem").read_text() + (certificates / "new.pem").read_text()
    assert done.stdout.decode() == both
    done = bundle(("old", "new"), "--no-comments", "--for", "alb")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"--no-comments does not apply to the files of a server" in done.stderr


@pytest.mark.parametrize("server", ["alb", "nlb"])
def test_the_trust_store_of_a_load_balancer_has_no_blank_line_and_no_comment(
    bundle, tmp_path, server
):
    """The trust store of a load balancer has no blank line and no comment.

    Its page cites AWS's documentation as read, not run.
    """
    done = bundle(("old", "new"), "--for", server, "--out", tmp_path / "files")
    assert done.returncode == 0
    text = (tmp_path / "files" / "trust.pem").read_text()
    line = re.compile(r"-----(BEGIN|END) CERTIFICATE-----|[A-Za-z0-9+/]+=*")
    assert all(map(line.fullmatch, text.removesuffix("\n").split("\n")))
    page = (tmp_path / "files" / f"tfcert-{server}.md").read_text()
    assert "Read, not run: https://docs.aws.amazon.com/elasticloadbalancing/" in page
    assert "tfcert's tests run" not in page
    assert "no other" not in page
    assert f"`{server}`" in PAGE.read_text()


@pytest.mark.parametrize("server", SERVERS)
def test_a_name_from_terraform_stays_in_its_comment(bundle, tmp_path, server):
    """A `for_each` key with line ends and brackets stays within one line of a comment in every
    file.
    """
    done = bundle(
        ("old",),
        "--for",
        server,
        "--out",
        tmp_path / "files",
        key='a\n}\nevil \\\r\u2028 \x1b[2J */ "',
    )
    assert done.returncode == 0, done.stderr
    for name, text in written(tmp_path / "files").items():
        for line in re.split(r"[\n\r\u2028]", text):
            assert "evil" not in line or line.lstrip().startswith("# "), (name, line)
            assert "\x1b" not in line
            assert not line.endswith("\\")


def test_a_folder_that_cannot_be_made_is_usage(bundle, tmp_path):
    """If --out names an existing file, the run is a usage error and leaves the file unchanged."""
    (tmp_path / "file").write_text("mine")
    done = bundle(("old",), "--for", "nginx", "--out", tmp_path / "file")
    assert done.returncode == 2
    assert b"name a folder with --out" in done.stderr
    assert (tmp_path / "file").read_text() == "mine"


def test_an_input_is_never_replaced(certificates, tfcert, tmp_path):
    """A source that has the name of an output file is never replaced."""
    source = state(tmp_path, certificates, ("old",)).rename(tmp_path / "trust.pem")
    before = source.read_bytes()
    done = tfcert("bundle", source, "--offline", "--for", "python", "--out", tmp_path)
    assert done.returncode == 2
    assert b"is an input of this run" in done.stderr
    assert source.read_bytes() == before


def test_the_page_has_a_row_for_every_server_and_no_other():
    """docs/trust.md has one row for each server, and each row is tested or marked as read."""
    assert {*table()} == {*SEEN, *READ}
    assert {*filter(None, SEEN.values()), *READ.values()} == {*SERVERS}
    tests = "".join(
        path.read_text() for path in PAGE.parents[1].glob("tests/servers/test_trust_in_*.py")
    )
    assert [
        name for name in SEEN if f'"{name}"' not in tests and not name.startswith("Caddy")
    ] == []
    for name in READ:
        assert table()[name][:4] == [
            "read, not run",
            "not known",
            "not known",
            f"`{READ[name]}`: not known",
        ]


@pytest.mark.parametrize("row", [row for row, server in SEEN.items() if server])
def test_what_a_row_names_as_the_means_is_in_the_files(bundle, tmp_path, row):
    """The directive that a row of docs/trust.md names is in the files that tfcert writes."""
    done = bundle(("old",), "--for", SEEN[row], "--out", tmp_path / "files")
    assert done.returncode == 0
    means = re.findall(r"`([^`]+)`", table()[row][4])
    assert means
    assert all(each in "".join(written(tmp_path / "files").values()) for each in means)
