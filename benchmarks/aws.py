"""Run tfcert against an API Gateway with AWS's latency and quota; compare it with the quota.

Whole processes are measured. Wanted: a thousand certificates in 17 regions in at most 1.5 s and 17
lists; drift and scan of 500 APIs within 15 % of the quota's floor; and no refused request. tfcert's
own pace, 9 requests a second after a burst of 30, is 13.5 % above that floor. The rest is start-up,
the last answer and the report, 0.7 s in all, so other load on the machine shows.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slow_aws import BURST, RATE, identity

from checker.aws import session

HERE = Path(__file__).parent
TFCERT = str(Path(sys.executable).with_name("tfcert"))
REGIONS = (
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1"),
    *("eu-central-1", "eu-west-1", "eu-west-2", "eu-west-3", "eu-north-1"),
    *(
        "ap-south-1",
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-southeast-1",
        "ap-southeast-2",
    ),
)
PER_REGION, APIS = 59, 500
ACCOUNT = "123456789012"
PROVIDER = 'provider["registry.terraform.io/hashicorp/aws"]'


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        many = Path(folder, "many.tfstate")
        many.write_text(json.dumps(state(REGIONS, apis=PER_REGION)))
        one = Path(folder, "one.tfstate")
        one.write_text(json.dumps(state(REGIONS[:1], apis=APIS)))
        print(f"{'':<44} {'seconds':>8} {'floor':>7} {'ratio':>6} {'pace':>7} {'CPU':>7}  calls")
        run(
            "check --no-drift, 1003 certificates",
            ["check", "--no-drift", str(many)],
            PER_REGION,
            limit=1.5,
        )
        if "--quick" not in sys.argv:
            run("check, drift of 500 APIs in one region", ["check", str(one)], APIS)
            run("scan of 500 APIs in one region", ["scan", "--region", REGIONS[0]], APIS)


def run(name: str, arguments: list[str], apis: int, *, limit: float | None = None) -> None:
    with slow_aws(apis) as (port, told):
        environment = {
            "PATH": os.environ["PATH"],
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "b",
            "AWS_SECRET_ACCESS_KEY": "b",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "NO_PROXY": "127.0.0.1",
        }
        begun, used = time.perf_counter(), processor()
        done = subprocess.run(
            [TFCERT, *arguments], env=environment, capture_output=True, check=False
        )
        taken, used = time.perf_counter() - begun, processor() - used
    calls = told()
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    # The quota's floor: the burst at once, then RATE a second. `own` is the same for tfcert's own
    # pace.
    sent = sum(
        count for operation, count in calls.items() if operation not in {"GetCallerIdentity", "429"}
    )
    floor = limit if limit is not None else (sent - BURST) / RATE
    own = f"{(sent - session.BURST) / session.RATE:7.2f}" if limit is None else " " * 7
    print(
        f"{name:<44} {taken:8.2f} {floor:7.2f} {taken / floor:6.2f} {own} {used:7.2f}  "
        f"{json.dumps(dict(sorted(calls.items())))}"
    )


def processor() -> float:
    """Return the processor time of finished children, in seconds."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


@contextmanager
def slow_aws(apis: int) -> Iterator[tuple[str, object]]:
    server = subprocess.Popen(
        [sys.executable, str(HERE / "slow_aws.py"), str(PER_REGION), str(apis)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    counted: dict[str, int] = {}
    try:
        yield server.stdout.readline().strip(), lambda: counted
    finally:
        counted |= json.loads(server.communicate("", timeout=30)[0])


def state(regions: tuple[str, ...], *, apis: int) -> dict[str, object]:
    """Return a raw state; the stage of each API presents one of its region's certificates."""
    certificates = [
        instance(
            region,
            number,
            id=identity(region, number),
            arn=f"arn:aws:apigateway:{region}::/clientcertificates/{identity(region, number)}",
        )
        for region in regions
        for number in range(PER_REGION)
    ]
    stages = [
        instance(
            region,
            number,
            id=f"ags-api{number}-prod",
            rest_api_id=f"api{number}",
            stage_name="prod",
            execution_arn=f"arn:aws:execute-api:{region}:{ACCOUNT}:api{number}/prod",
            client_certificate_id=identity(region, number % PER_REGION),
        )
        for region in regions
        for number in range(apis)
    ]
    kinds = {"aws_api_gateway_client_certificate": certificates, "aws_api_gateway_stage": stages}
    resources = [
        {"mode": "managed", "type": kind, "name": "all", "provider": PROVIDER, "instances": found}
        for kind, found in kinds.items()
    ]
    return {
        "version": 4,
        "terraform_version": "1.11.4",
        "serial": 1,
        "lineage": "b",
        "outputs": {},
        "resources": resources,
    }


def instance(region: str, number: int, **attributes: str) -> dict[str, object]:
    return {"index_key": f"{region}/{number}", "schema_version": 0, "attributes": attributes}


if __name__ == "__main__":
    main()
