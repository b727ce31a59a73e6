"""Write the corpora again, from fixtures, scenarios and pages: `python tests/fuzz/fuzz_corpus.py`.

Files whose name starts with `found-` were findings, and stay.
"""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/reports")]

from documents import certificate, due, finding, fine, outcome, patch, rotation  # noqa: E402

from checker.forges.comment import Marker  # noqa: E402
from checker.forges.proposals.marker import RequestMarker, commit_message  # noqa: E402
from checker.model.rotation import Phase  # noqa: E402

CORPUS = Path(__file__).parent / "corpus"
FIXTURES = ROOT / "fixtures"
SCENARIOS = [
    "awscc",
    "blocked-another-stage-by-literal",
    "blocked-deployment-trigger",
    "blocked-ignore-changes",
    "blocked-name-taken",
    "blocked-own-file-unparsable",
    "blocked-second-parser",
    "busy-crlf",
    "byte-order-mark",
    "count",
    "dated",
    "each-value",
    "element-concat",
    "for-each",
    "guards",
    "heredoc",
    "look-alikes",
    "multi-line",
    "no-final-newline",
    "one-line",
    "outputs-in-the-open",
    "quoted",
    "several-stages",
    "splats",
    "through-locals",
    "two-certificates",
]


def _dense(text: bytes) -> bytes:
    return json.dumps(json.loads(text), separators=(",", ":")).encode()


def documents():
    """Yield the small plans and states of fixtures/formats, also packed and in UTF-16."""
    for file in sorted((FIXTURES / "formats").iterdir()):
        if file.suffix in {".json", ".tfstate"}:
            yield file.name, _dense(file.read_bytes())
    state = _dense((FIXTURES / "formats/state-basic.tfstate").read_bytes())
    yield "state.gz", gzip.compress(state, mtime=0)
    yield "state.utf-16", state.decode().encode("utf-16")
    yield "state-cut", state[:900]
    yield "state-of-0.11", b'{"version":3,"serial":1,"lineage":"a","modules":[]}'
    yield "zip", b"PK\x03\x04"
    yield "lines", b'{"@level":"info","@message":"Terraform 1.9","type":"version"}\n'


def edits():
    """Yield the text of scenarios whose configuration is one file."""
    for name in SCENARIOS:
        (file,) = (FIXTURES / "scenarios" / name / "config").glob("*.tf")
        yield f"{name}.tf", file.read_bytes()
    yield "consumers.tf", CONSUMERS


CONSUMERS = b"""\
resource "aws_api_gateway_client_certificate" "orders" {
}

resource "aws_api_gateway_stage" "prod" {
  client_certificate_id = aws_api_gateway_client_certificate.orders.id
}

resource "aws_ssm_parameter" "pem" {
  value = aws_api_gateway_client_certificate.orders.pem_encoded_certificate
}

resource "aws_s3_object" "pems" {
  content = join("\\n", [aws_api_gateway_client_certificate.orders.pem_encoded_certificate, ""])
}
"""


def policies():
    """Yield the packs, the examples of the pages, and some that are refused."""
    for file in sorted((ROOT / "policies").glob("*.toml")):
        yield file.name, file.read_bytes()
    for page in sorted((ROOT / "docs").glob("*.md")):
        found = re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
        for number, text in enumerate(found):
            yield f"{page.stem}-{number}.toml", text.encode()
    yield "extends.toml", b'extends = "base.toml"\nnotice_days = 60\n'
    yield "extends-itself.toml", b'extends = "tfcert.toml"\n'
    yield "misspelt.toml", b'threshhold_days = 3\n[[scope]]\naddress = "module.["\n'
    yield "not-utf-8.toml", b'name = "\xff"\n'
    yield "dotted.toml", b'rules.certificate-unused = "off"\nscope = [{stage = ["a", "b"]}]\n'
    yield "unended.toml", b'name = """a\n\n'


def bot():
    """Yield outcomes, and the texts in which tfcert looks for its marker."""
    many = outcome(
        certificates=[certificate(id=f"c{number}") for number in range(3)],
        findings=[finding(), finding(severity="warning", certificate_id=None, location=None)],
        rotations=[rotation(), rotation(phase="blocked", reason="a literal id", successor=None)],
        patches=[patch()],
        notices=["a notice"],
    )
    for name, document in {"fine": fine(), "due": due(), "many": many}.items():
        yield f"{name}.json", _dense(json.dumps(document).encode())
    for name in ("readme", "rotation/01-refreshed-near-expiry"):
        yield f"{name.partition('/')[2] or name}.json", _checked(FIXTURES / name)
    at = datetime(2026, 11, 23, tzinfo=UTC)
    marker = Marker(key="prod", repository="octo-org/gateway", at=at, commit="abcdef1", run=7)
    yield "comment.md", f"{marker.line}\nthe report\n\n<sub>judged</sub>".encode()
    yield "comment-by-reference.md", f"{marker.reference}\n\nthe report\n".encode()
    asked = RequestMarker(
        key="default", phase=Phase.REPOINT, certificates=("eu-west-1/abc123",), roots=("live",)
    )
    yield "request.md", f"Repoint the stages.\n\n{asked.line}\n".encode()
    message = commit_message(
        "Introduce", "text", phase=Phase.INTRODUCE, certificates=["a/b"], content="0" * 64
    )
    yield "commit.txt", message.encode()


def _checked(folder: Path) -> bytes:
    """Return the outcome of a real run on recorded dates."""
    state = next(folder.glob("*.tfstate"))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "checker", "check", state.name, "--offline"),
            *("--as-of", "2026-11-23", "--format", "json", "--patches"),
        ],
        cwd=folder,
        env={"PATH": "", "HOME": str(folder), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        check=False,
    )
    assert done.returncode in {0, 1, 3}, done
    return _dense(done.stdout)


def main() -> None:
    """Write each corpus; files that are no longer made are removed."""
    for make in (documents, edits, policies, bot):
        folder = CORPUS / make.__name__
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            if not old.name.startswith("found-"):
                old.unlink()
        for name, data in make():
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
