"""What each verb reaches is what docs/reach.md lists: hosts, AWS actions, programs, files.

Each run is traced by strace, with the real names of all hosts: a proxy ends TLS and answers as AWS.
The page is written by people. A run that reaches anything else fails, and so does an entry that no
run needs.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from equipped import ABSENCES, find
from github_repositories import REPOSITORY, GithubRepositories
from probe_root import ACCOUNT, REGION, prepared, resource
from recording_proxy import RecordingProxy
from traced import trace

from checker.cli.app import VERBS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reach.md"
STRACE = find("strace")
pytestmark = [
    pytest.mark.outside,
    pytest.mark.skipif(STRACE is None and not os.environ.get("CI"), reason=ABSENCES["strace"]),
]
_SECTION = re.compile(r"^## (?P<title>.+)$", re.MULTILINE)
_ENTRY = re.compile(r"^\| (?P<kind>host|action|program|reads|writes|network) \| (?P<what>[^|]+) \|")
_REGION = re.compile(r"\b[a-z]{2}(?:-[a-z]+)+-\d\b")
EVERY = "every verb"
BUCKET = "your-trust-bucket"


def _parameter(arn):
    found = resource("aws_ssm_parameter", "ca")
    found["instances"][0]["attributes"] = {"name": "your-trust-parameter", "arn": arn}
    return found


def _host(name):
    """Name a host as the page does; China has the suffix `.cn` beside."""
    return _REGION.sub("REGION", name).replace(BUCKET, "BUCKET").removesuffix(".cn")


def _place(address):
    """Name an address as the page does; free ports of the loopback have no number."""
    if address.endswith(":53"):
        return "DNS"
    return re.sub(r"^((?:listens:)?(?:127\.0\.0\.1|::1)):\d+$", r"\1", address)


def _google_key():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    found = {"client_email": "reader@acme.example", "private_key_id": "1", "gcs_base_url": None}
    return json.dumps({**found, "private_key": pem.decode(), "disable_oauth": False})


def documented():
    """The entries of the page by section: a set of (kind, what)."""
    text = PAGE.read_text()
    titles = list(_SECTION.finditer(text))
    entries = defaultdict(set)
    for index, title in enumerate(titles):
        end = titles[index + 1].start() if index + 1 < len(titles) else len(text)
        name = title["title"].strip("`").lower()
        entries[name] = set()
        for line in text[title.end() : end].splitlines():
            found = _ENTRY.match(line)
            if found is not None:
                for what in re.findall(r"`([^`]+)`", found["what"]):
                    entry = found["kind"], what
                    assert entry not in entries[name], f"{name}: {entry} is listed twice"
                    entries[name].add(entry)
    return entries


PLAN = {
    "format_version": "1.2",
    "terraform_version": "1.11.4",
    "planned_values": {"root_module": {}},
    "resource_changes": [],
    "configuration": {"root_module": {}},
}


@dataclass(frozen=True, slots=True)
class Run:
    """One run: the verb and its arguments, and the exit codes that it may have."""

    arguments: tuple[str, ...]
    codes: tuple[int, ...] = (0, 1, 3)
    more: tuple[tuple[str, str], ...] = ()
    stdin: bytes = b""

    @property
    def verb(self) -> str:
        return self.arguments[0]


def run(*arguments, codes=(0, 1, 3), stdin=b"", **more):
    return Run(arguments, codes, tuple(more.items()), stdin)


RUNS = (
    run("check", "state.json"),
    run("check", "plan.json", "--config", ".", "--offline", "--policy-base", "HEAD"),
    run("check", "state.json", "--trust", "--drift", "due", "--format", "json=out/check.json"),
    run("check", "applied"),
    run("check", "s3://your-trust-bucket/live.tfstate"),
    run("check", "--states", "states", "s3://your-trust-bucket/states/"),
    run(
        "check",
        "--states",
        "gs://states/live/",
        "--offline",
        GOOGLE_SERVICE_ACCOUNT_KEY=_google_key(),
    ),
    run("check", "--states", "gs://states/live/", "--offline"),
    run(
        "check",
        "--states",
        "az://states/live/",
        "--offline",
        AZURE_STORAGE_ACCOUNT_NAME="acme",
        AZURE_STORAGE_ACCOUNT_KEY="c2VjcmV0",
    ),
    run(
        "check",
        "state.json",
        AWS_EC2_METADATA_DISABLED="false",
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    ),
    run("check", "state.json", "--offline", "--format", "html=out/page.html", "--patches"),
    run("check", "--states", "states", "--dask", "local:1", "--offline"),
    run("patch", "state.json"),
    run("patch", "state.json", "--phase", "all", "--out", "out/patches"),
    run("patch", "state.json", "--phase", "repoint", "--write"),
    run("scan", "--region", REGION),
    run("scan", "--all-regions", "--format", "json=out/scan.json"),
    run("bundle", "state.json"),
    run("bundle", "state.json", "--for", "nginx", "--out", "out/bundle"),
    run("probe", "state.json", "--method", "GET /health", "--yes"),
    run(
        "comment",
        "github",
        "outcome.json",
        GITHUB_TOKEN="writes",
        GITHUB_REPOSITORY=REPOSITORY,
        GITHUB_REF="refs/pull/7/merge",
    ),
    run(
        "comment",
        "gitlab",
        "outcome.json",
        GITLAB_TOKEN="t",
        CI_PROJECT_ID="7",
        CI_MERGE_REQUEST_IID="7",
    ),
    run(
        "comment",
        "azure",
        "outcome.json",
        SYSTEM_ACCESSTOKEN="t",
        SYSTEM_COLLECTIONURI="https://dev.azure.com/acme/",
        SYSTEM_TEAMPROJECT="infra",
        BUILD_REPOSITORY_NAME="infra",
        SYSTEM_PULLREQUEST_PULLREQUESTID="7",
    ),
    run(
        "comment",
        "bitbucket",
        "outcome.json",
        BITBUCKET_TOKEN="t",
        BITBUCKET_REPO_FULL_NAME="acme/infra",
        BITBUCKET_PR_ID="7",
    ),
    run("propose", "github", "applied", GITHUB_TOKEN="writes", GITHUB_REPOSITORY=REPOSITORY),
    run("propose", "gitlab", "applied", codes=(2,), GITLAB_TOKEN="t", CI_PROJECT_ID="7"),
    run("doctor", "state.json"),
    run("doctor", "applied", "--run-tools", "--offline"),
    run("doctor", "state.json", AWS_EC2_METADATA_DISABLED="false", AWS_SHARED_CREDENTIALS_FILE="x"),
    run("init", "fresh", "--forge", "github"),
    run("init", "."),
    run("completion", "bash"),
    run("completion", "addresses", "certificates", "applied"),
    run("policy", "show"),
    run("policy", "check", "tfcert.toml"),
    run("policy", "schema"),
    run("policy", "explain", "aws_api_gateway_stage.live", "applied", "--policy-base", "HEAD"),
    run("rules", "--out", "out/rules"),
    run("demo"),
)


class Traces:
    """Runs tfcert in a repository in front of the emulator, and gives what each run reached."""

    def __init__(self, aws, top):
        self.aws, self.top = aws, top
        self.folder, self.home, self.beside = top / "repository", top / "home", top / "beside"
        for folder in (self.folder, self.home / ".aws", self.beside):
            folder.mkdir(parents=True)
        (self.home / ".aws" / "config").write_text(f"[default]\nregion = {REGION}\n")
        (self.home / ".aws" / "credentials").write_text(
            f"[default]\naws_access_key_id = AKIA{ACCOUNT}\naws_secret_access_key = secret\n"
        )
        (self.home / ".config/dask").mkdir(parents=True)
        (self.home / ".config/dask/dask.yaml").write_text("{}\n")
        self.proxy = RecordingProxy(aws.endpoint, self.beside)

    def git(self, *arguments):
        settings = ("-c", "user.name=n", "-c", "user.email=e@example.com")
        subprocess.run(["git", *settings, *arguments], cwd=self.folder, check=True)

    def lay(self):
        """Write what the runs read, beside the root module of a rotation before repoint."""
        here = self.folder
        state = json.loads((here / "state.json").read_text())
        state["resources"] += [
            resource("aws_s3_object", "ca", bucket=BUCKET, key="ca.pem"),
            _parameter(self.parameter),
            resource("aws_secretsmanager_secret_version", "ca", secret_id=self.secret),
            resource("aws_lb_trust_store", "ca", arn=self.store),
        ]
        (here / "state.json").write_text(json.dumps(state))
        with (here / "main.tf").open("a") as file:
            pem = "aws_api_gateway_client_certificate.old.pem_encoded_certificate"
            file.write(
                f'resource "aws_s3_object" "ca" {{\n  bucket  = "{BUCKET}"\n  key     = "ca.pem"\n'
                f"  content = {pem}\n}}\n"
                'resource "aws_lb_trust_store" "ca" {\n'
                f'  ca_certificates_bundle_s3_bucket = "{BUCKET}"\n'
                "  ca_certificates_bundle_s3_key    = aws_s3_object.ca.key\n}\n"
                'resource "aws_ssm_parameter" "ca" {\n  name  = "your-trust-parameter"\n'
                f'  type  = "String"\n  value = {pem}\n}}\n'
                'resource "aws_secretsmanager_secret_version" "ca" {\n'
                f'  secret_id     = "{self.secret}"\n  secret_string = {pem}\n}}\n'
            )
        (here / "plan.json").write_text(json.dumps(PLAN))
        (here / "fresh").mkdir()
        (here / "tfcert.toml").write_text("notice_days = 60\nthreshold_days = 30\n")
        (here / "states").mkdir()
        text = json.dumps(state)
        (here / "states" / "live.tfstate").write_text(text)
        for key in ("live.tfstate", "states/one.tfstate"):
            self.aws.client("s3").put_object(Bucket=BUCKET, Key=key, Body=text.encode())
        applied = here / "applied"
        applied.mkdir()
        (applied / "main.tf").write_text((here / "main.tf").read_text())
        (applied / "terraform.tfstate").write_text(text)
        self.git("init", "-q")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "as it was")
        outcome = self.trace(run("check", "state.json", "--offline", "--format", "json"))
        (here / "outcome.json").write_bytes(outcome.stdout)

    def store_trust(self, pem):
        """Give the emulator one trust store, object, parameter and secret with a PEM."""
        s3, ssm = self.aws.client("s3"), self.aws.client("ssm")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key="ca.pem", Body=pem.encode())
        self.store = self.aws.client("elbv2").create_trust_store(
            Name="ca", CaCertificatesBundleS3Bucket=BUCKET, CaCertificatesBundleS3Key="ca.pem"
        )["TrustStores"][0]["TrustStoreArn"]
        ssm.put_parameter(Name="your-trust-parameter", Value=pem, Type="String")
        self.parameter = ssm.get_parameter(Name="your-trust-parameter")["Parameter"]["ARN"]
        self.secret = self.aws.client("secretsmanager").create_secret(
            Name="your-trust-secret", SecretString=pem
        )["ARN"]

    def trace(self, wanted):
        """Run it; the trace."""
        (self.folder / "out").mkdir(exist_ok=True)
        authority = str(self.proxy.authority)
        return trace(
            [sys.executable, "-P", "-m", "checker", *wanted.arguments],
            strace=STRACE,
            log=self.beside / "trace",
            cwd=self.folder,
            environment={
                "PATH": os.environ["PATH"],
                "HOME": str(self.home),
                "TMPDIR": str(self.beside),
                "AWS_EC2_METADATA_DISABLED": "true",
                "HTTPS_PROXY": f"http://{self.proxy.address}",
                "NO_PROXY": "127.0.0.1",
                "AWS_CA_BUNDLE": authority,
                "REQUESTS_CA_BUNDLE": authority,
                "SSL_CERT_FILE": authority,
                "PYTHONDONTWRITEBYTECODE": "1",
                "PYTHONPATH": str(ROOT),
                **dict(wanted.more),
            },
            stdin=wanted.stdin,
        )

    def reached(self, wanted):
        """Run it; what it reached, as entries of the page."""
        self.proxy.hosts.clear()
        self.aws.forget_calls()
        if wanted.arguments == ("init", "."):
            (self.folder / "tfcert.toml").unlink()
        traced = self.trace(wanted)
        assert traced.code in wanted.codes, traced.stderr.decode() + traced.stdout.decode()
        own = {f"{self.proxy.address}"}
        found = {("host", _host(name)) for name in self.proxy.hosts}
        found |= {("action", call.iam[0]) for call in self.aws.calls()}
        found |= {("program", Path(program).name) for program in traced.programs}
        found |= {
            ("network", _place(address)) for address in traced.connections if address not in own
        }
        found |= {("reads", self._file(path)) for path in traced.reads}
        found |= {("writes", self._file(path)) for path in traced.writes}
        return found

    def _file(self, path):
        """Name a file as the page does."""
        if _within(path, self.home / ".config/dask"):
            return "~/.config/dask"
        if _within(path, self.home):
            return "~" + path.removeprefix(str(self.home))
        if _within(path, self.folder):
            return _in_repository(path.removeprefix(str(self.folder)).lstrip("/"))
        places = {
            "the CA bundle": (self.proxy.authority,),
            "the temporary folder": (self.beside,),
            "Python and its packages": (sys.prefix, sys.base_prefix, ROOT),
            "the null device": ("/dev/null",),
            "the system": ("/usr", "/lib", "/lib64", "/etc", "/proc", "/sys", "/dev"),
        }
        for name, folders in places.items():
            if any(_within(path, folder) for folder in folders):
                return name
        # Libraries look at the folder above the temporary one.
        return "the temporary folder" if path == str(self.top) else path


def _within(path, folder):
    return path == str(folder) or path.startswith(f"{folder}/")


def _in_repository(name):
    if name == "out" or name.startswith("out/"):
        return "the output"
    if name.startswith(".git/"):
        return ".git"
    if name == ".github" or name.startswith(".github/"):
        return ".github/workflows"
    if Path(name).name == "tfcert.toml":
        return "tfcert.toml"
    return "*.tf" if name.endswith(".tf") else "the sources"


@pytest.fixture(scope="module")
def traces(running, tmp_path_factory):
    """One repository and one AWS for all runs, in their order."""
    running.reset()
    made = Traces(running, tmp_path_factory.mktemp("reach"))
    with prepared(running, made.folder) as world, GithubRepositories() as forge:
        world.trust("old", "new")
        made.store_trust(world.pems["old"])
        made.lay()
        project = forge.project(made.top / "forge.git")
        forge.push(project, {"applied/main.tf": (made.folder / "applied/main.tf").read_bytes()})
        made.proxy.stand_ins["api.github.com"] = forge.url
        yield made
    made.proxy.close()


def test_each_verb_reaches_what_the_page_lists(traces):
    """A run reaches nothing that the page does not list, and each entry of the page is reached."""
    page = documented()
    seen = defaultdict(set)
    for wanted in RUNS:
        found = traces.reached(wanted)
        extra = found - page[wanted.verb] - page[EVERY]
        assert not extra, f"{' '.join(wanted.arguments)}: not on the page: {sorted(extra)}"
        seen[wanted.verb] |= found
    seen[EVERY] = set.union(*seen.values())
    for section, entries in page.items():
        unused = entries - seen[section]
        assert not unused, f"{section}: on the page, and never reached: {sorted(unused)}"


def test_each_verb_has_a_section_and_a_run():
    """A new verb needs a section of the page, and at least one run."""
    verbs = set(VERBS)
    assert verbs == {wanted.verb for wanted in RUNS}
    assert verbs <= set(documented())
