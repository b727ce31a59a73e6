"""`patch --verify` with the real tool validates each phase on a copy and stops a wrong edit."""

from __future__ import annotations

from pathlib import Path

import pytest
from rig.equipment import settings

from checker.cli.verify import verify
from checker.errors import UnprovenError
from checker.hcl.configuration import load_configuration
from checker.model.rotation import Phase
from checker.patches.patch import FileChange, PhasePatch
from checker.terraform.tool import Tool

pytestmark = pytest.mark.xdist_group("acceptance-verified-patches")

DAY_12 = ("terraform.tfstate", "--offline", "--as-of", "2026-11-24")
CONSUMERS = """
resource "terraform_data" "trust" {
  input = {
    "ca.crt" = aws_api_gateway_client_certificate.backend.pem_encoded_certificate
    mail     = <<-EOT
      trust ${aws_api_gateway_client_certificate.backend.pem_encoded_certificate}
    EOT
  }
}
"""


@pytest.fixture
def environment(tool, tmp_path):
    """Return the environment with the tool's provider."""
    file = tmp_path / "cli.tfrc"
    file.write_text(settings(tool.mirror))
    return {
        "PATH": "/usr/bin:/bin",
        "TF_CLI_CONFIG_FILE": str(file),
        "CHECKPOINT_DISABLE": "1",
        "GOGC": "400",
    }


def texts(folder: Path):
    """Return each file of a folder by name."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


@pytest.mark.needs_terraform("terraform_data")
def test_the_real_tool_validates_every_phase_with_both_pems(tfcert, story, tool, environment):
    """All phases with --trust-bundle are valid and formatted, and the folder is unchanged."""
    with (story / "certificate.tf").open("a") as file:
        file.write(CONSUMERS)
    provider = story / "provider.tf"
    provider.write_text(
        provider.read_text().replace('"hashicorp/aws"', f'"{tool.provider_source}"')
    )
    before = texts(story)
    options = ("--phase", "all", "--trust-bundle", "--verify", "--tool", tool.binary.path)
    done = tfcert("patch", *DAY_12, *options, cwd=story, environment=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (
        f"# verified with {tool.binary.name} on a copy: introduce, repoint, retire\n".encode()
        in done.stdout
    )
    assert texts(story) == before


@pytest.mark.parametrize(
    ("after", "complaint"),
    [
        ("locals {\n  a = 1\n  b = 2\n}\n", None),
        ("locals {\n  a = 1\n  b=2\n}\n", "in another way"),
        ("locals {\n  a = 1\n  b = local.none\n}\n", "undeclared local value.*please report"),
        ("locals {\n  a = 1\n  a = 2\n}\n", "please report"),
    ],
)
def test_the_real_tool_stops_an_edit_that_is_wrong(tool, environment, tmp_path, after, complaint):
    """An edit that is invalid or wrongly formatted is not written, even if only the tool detects
    it.
    """
    folder = tmp_path / "root"
    folder.mkdir()
    before = b"locals {\n  a = 1\n}\n"
    (folder / "main.tf").write_bytes(before)
    configuration = load_configuration(str(folder))
    change = FileChange(path="main.tf", before=before, after=after.encode())
    entry = PhasePatch(
        phase=Phase.INTRODUCE,
        rotations=(),
        changes=(change,),
        on_disk=True,
        leaves={"main.tf": after.encode()},
    )
    asked = Tool(path=tool.binary.path, name=tool.binary.name, environment=environment)
    if complaint is None:
        verify(configuration, (entry,), asked, top=folder)
    else:
        with pytest.raises(UnprovenError, match=complaint):
            verify(configuration, (entry,), asked, top=folder)
    assert texts(folder) == {"main.tf": before}
