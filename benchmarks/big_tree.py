"""Find, judge and patch a tree of 5,000 .tf files, of which 1 % matter.

The times are compared with reading every file once in the same run. After start-up the limit is 1.5
s on the two cores that it was written on, and 15 times as long as reading the files.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 5
ROOTS, FILES, CONCERNED = 500, 10, 10
TFCERT = [sys.executable, "-c", "from checker.cli import main; main()"]
CERTIFICATE = "aws_api_gateway_client_certificate"
STAGE = "aws_api_gateway_stage"


def lay(top: Path) -> int:
    """Write the tree, and return the number of its .tf files.

    It has root modules with a provider, a module of their own, and many unrelated resources.
    """
    for number in range(ROOTS):
        root = top / f"team{number % 20}" / f"root{number}"
        (root / "module").mkdir(parents=True)
        for index in range(FILES - 2):
            (root / f"file{index}.tf").write_text(filler(number, index))
        (root / "main.tf").write_text(
            'provider "aws" {\n}\n\nmodule "own" {\n  source = "./module"\n}\n'
        )
        (root / "module" / "main.tf").write_text(filler(number, 99))
        if number % (ROOTS // CONCERNED) == 0:
            concern(root)
    return sum(
        len([name for name in names if name.endswith(".tf")]) for _, _, names in os.walk(top)
    )


def filler(number: int, index: int) -> str:
    """Return about 2 KB of typical unrelated configuration."""
    return "".join(
        f'resource "aws_iam_role" "r{number}_{index}_{role}" {{\n'
        f'  name = "role-{number}-{index}-{role}"\n'
        f"  assume_role_policy = jsonencode({{\n"
        f'    Statement = [{{ Effect = "Allow", Action = var.actions[{role}] }}]\n'
        f"  }})\n"
        f"  tags = merge(local.tags, {{ owner = var.owner }}) # as agreed\n}}\n\n"
        for role in range(8)
    )


def concern(root: Path) -> None:
    """Write a certificate that four stages present, in five of the files, and its state.

    In the state it ends in twelve days.
    """
    with (root / "file0.tf").open("a") as file:
        file.write(f'resource "{CERTIFICATE}" "backend" {{\n}}\n')
    resources = [
        resource(
            CERTIFICATE,
            "backend",
            {"id": "old000", "expiration_date": "2026-12-06 00:00:00 +0000 UTC"},
        ),
    ]
    for index in range(1, 5):
        with (root / f"file{index}.tf").open("a") as file:
            file.write(
                f'resource "{STAGE}" "s{index}" {{\n'
                f"  client_certificate_id = {CERTIFICATE}.backend.id\n}}\n"
            )
        attributes = {
            "rest_api_id": "a",
            "stage_name": f"s{index}",
            "client_certificate_id": "old000",
        }
        resources.append(resource(STAGE, f"s{index}", attributes))
    (root / "terraform.tfstate").write_text(state(resources))


def state(resources: list[dict]) -> str:
    """Return a state of these resources."""
    document = {
        "version": 4,
        "terraform_version": "1.11.4",
        "serial": 1,
        "lineage": "x",
        "outputs": {},
        "resources": resources,
    }
    return json.dumps(document)


def resource(kind: str, name: str, attributes: dict) -> dict:
    provider = 'provider["registry.terraform.io/hashicorp/aws"]'
    return {
        "mode": "managed",
        "type": kind,
        "name": name,
        "provider": provider,
        "instances": [{"attributes": attributes}],
    }


def median(what, rounds: int = ROUNDS) -> float:
    """Return the median time of a call in seconds."""
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        what()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def read_all(top: Path) -> int:
    """Read every .tf file once, as directly as possible."""
    size = 0
    for here, _, names in os.walk(top):
        for name in names:
            if name.endswith(".tf"):
                with open(os.path.join(here, name), "rb") as file:  # noqa: PTH118, PTH123 -- as fast as Python reads
                    size += len(file.read())
    return size


def run(*arguments: str, cwd: Path) -> bytes:
    done = subprocess.run([*TFCERT, *arguments], cwd=cwd, check=True, capture_output=True)
    return done.stdout


def main() -> None:
    options = ("--offline", "--as-of", "2026-11-24")
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        print(
            f"{lay(top)} .tf files, {CONCERNED * 5} of which matter, in {ROOTS} root modules, "
            f"{read_all(top) / 1e6:.1f} MB"
        )
        written = run("patch", "--recursive", *options, "--phase", "all", cwd=top).count(
            b"diff --git"
        )
        start_up = median(lambda: run("--help", cwd=top))
        reading = median(lambda: read_all(top))
        print(f"{'reading every file':<42} {reading * 1000:7.0f} ms")
        for name, arguments in {
            "check --recursive": ("check", "--recursive", *options, "--fail-on", "never"),
            "patch --recursive": ("patch", "--recursive", *options),
            "patch --recursive --phase all": ("patch", "--recursive", *options, "--phase", "all"),
        }.items():
            taken = median(lambda arguments=arguments: run(*arguments, cwd=top)) - start_up
            print(
                f"{name + ', after start-up':<42} {taken * 1000:7.0f} ms  "
                f"{taken / reading:5.1f} times reading them"
            )
        print(f"{written} files edited in the three phases")


if __name__ == "__main__":
    main()
