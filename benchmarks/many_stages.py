"""Measure the processor time, in seconds, for 10,000 stages.

The steps are: read a state, judge it offline, and render each format.

.venv/bin/python benchmarks/many_stages.py [STAGES]
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from checker.cli.load import load, parse_as_of
from checker.model.policy import Policy, Run
from checker.pipeline import check
from checker.reports import FORMATS

AS_OF = "2026-11-24"


def state(stages: int) -> bytes:
    """Return a state of `stages` stages, whose own certificates end within four months."""
    now = datetime.fromisoformat(AS_OF).replace(tzinfo=UTC)
    provider = 'provider["registry.terraform.io/hashicorp/aws"]'

    def resource(kind: str, name: str, attributes: dict[str, object]) -> dict[str, object]:
        instance = {"schema_version": 0, "attributes": attributes, "sensitive_attributes": []}
        return {
            "mode": "managed",
            "type": kind,
            "name": name,
            "provider": provider,
            "instances": [instance],
        }

    resources = []
    for number in range(stages):
        identity, api = f"c{number:05}", f"a{number:09}"
        arn = "arn:aws:apigateway:us-east-1::"
        made = {
            "id": identity,
            "arn": f"{arn}/clientcertificates/{identity}",
            "expiration_date": (now + timedelta(days=number % 120, hours=1))
            .isoformat()
            .replace("+00:00", "Z"),
        }
        stage = {
            "id": f"ags-{api}-live",
            "arn": f"{arn}/restapis/{api}/stages/live",
            "rest_api_id": api,
            "stage_name": "live",
            "client_certificate_id": identity,
        }
        resources += [
            resource("aws_api_gateway_client_certificate", f"c{number}", made),
            resource("aws_api_gateway_stage", f"s{number}", stage),
        ]
    document = {
        "version": 4,
        "terraform_version": "1.11.4",
        "serial": 1,
        "lineage": "x",
        "outputs": {},
        "resources": resources,
    }
    return json.dumps(document).encode()


def main() -> None:
    """Print a line for reading, for judging, and for each format."""
    stages = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "terraform.tfstate")
        path.write_bytes(state(stages))
        run = Run(as_of=parse_as_of(AS_OF), policy=Policy())
        begun = time.process_time()
        inventory = load((str(path),), config=None, tool=None).inventory
        print(f"{'read':<12} {time.process_time() - begun:6.2f} s")
        begun = time.process_time()
        outcome = check(inventory, None, run)
        print(
            f"{'judge':<12} {time.process_time() - begun:6.2f} s  "
            f"{len(outcome.findings)} findings of {stages} stages"
        )
        for name, entry in FORMATS.items():
            begun = time.process_time()
            text = entry.render(outcome)
            print(f"{name:<12} {time.process_time() - begun:6.2f} s  {len(text):>10} characters")


if __name__ == "__main__":
    main()
