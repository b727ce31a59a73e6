"""Compare `check --states` with `cat`, with a loop of `tfcert check`, and with S3's own latency.

Ratios in one run, with a warm page cache:
- all states on a local disk: at most 3 times `cat` of all of them;
- a state: at least 50 times faster than in a shell loop of `tfcert check` (measured on 200);
- states in a loopback S3 with 20 ms latency: within 1.5 times the floor of the requests, which is
  the number of requests divided by the threads, times the latency;
- the memory of 1,000 and of all states.

`python benchmarks/fleet.py [STATES] [OBJECTS]`; 20,000 states are 4 GB.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from slow_s3 import SlowS3

from checker.fleet.stores import THREADS

TFCERT = str(Path(sys.executable).with_name("tfcert"))
SIZE, EACH = 200_000, 100
LOOP, FEW = 200, 1_000
LATENCY = 0.02
KINDS = (
    "aws_iam_role", "aws_iam_policy", "aws_lambda_function", "aws_s3_bucket", "aws_sqs_queue",
    "aws_cloudwatch_log_group", "aws_security_group", "aws_subnet", "aws_route53_record", "aws_lb",
)  # fmt: skip
PROVIDER = 'provider["registry.terraform.io/hashicorp/aws"]'


def resource(kind: str, name: str, attributes: dict[str, object]) -> dict[str, object]:
    """Return one managed resource of a raw state."""
    instance = {
        "schema_version": 1,
        "attributes": attributes,
        "sensitive_attributes": [],
        "private": "eyJzY2hlbWFfdmVyc2lvbiI6IjEifQ==",
        "dependencies": ["aws_iam_role.r1"],
    }
    return {"mode": "managed", "type": kind, "name": name, "provider": PROVIDER,
            "instances": [instance]}  # fmt: skip


def filler(random_: random.Random, number: int) -> dict[str, object]:
    """Return a resource that tfcert does not read."""
    attributes: dict[str, object] = {
        f"a{each}": f"{random_.getrandbits(60):x}" for each in range(25)
    }
    attributes["policy"] = json.dumps({"Statement": [{"Action": ["s3:*"], "Resource": "arn:*"}]})
    attributes["tags"] = {"Name": f"n{number}", "Owner": "team <a&b>"}
    return resource(random_.choice(KINDS), f"r{number}", attributes)


def ours(number: int) -> list[dict[str, object]]:
    """Return a stage and its certificate, which ends soon."""
    identity = f"c{number:05d}"
    place = "arn:aws:apigateway:eu-west-1:"
    return [
        resource("aws_api_gateway_client_certificate", "backend", {
            "id": identity, "arn": f"{place}:/clientcertificates/{identity}",
            "created_date": "2025-12-01T00:00:00Z", "expiration_date": "2026-12-01T00:00:00Z",
            "description": "", "pem_encoded_certificate": ""}),
        resource("aws_api_gateway_stage", "live", {
            "rest_api_id": f"api{number:07d}", "stage_name": "live",
            "client_certificate_id": identity,
            "execution_arn": f"arn:aws:execute-api:eu-west-1:111111111111:api{number:07d}/live"}),
    ]  # fmt: skip


def bodies(size: int) -> list[bytes]:
    """Return the resources of ten states, as Terraform writes them, without the closing bracket."""
    found = []
    for seed in range(10):
        random_ = random.Random(seed)
        resources: list[str] = []
        length = 0
        while length < size:
            text = json.dumps(filler(random_, len(resources)), indent=2)
            # Terraform writes JSON with Go, which escapes these.
            text = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
            resources.append(text)
            length += len(text)
        found.append(",\n".join(resources).encode())
    return found


def text_of(number: int, plain: list[bytes]) -> bytes:
    """Return one state; every hundredth has something of ours."""
    head = {"version": 4, "terraform_version": "1.11.4", "serial": number, "lineage": f"l{number}",
            "outputs": {}, "check_results": None}  # fmt: skip
    more = b""
    if number % EACH == 0:
        more = b"," + ",".join(json.dumps(each, indent=2) for each in ours(number)).encode()
    start = json.dumps(head, indent=2).encode()[:-2]
    return start + b',\n  "resources": [' + plain[number % len(plain)] + more + b"]\n}\n"


def write_tree(top: Path, count: int, size: int = SIZE) -> None:
    """Write the states into folders of 200."""
    plain = bodies(size)
    for number in range(count):
        folder = top / f"team{number // 200}"
        if number % 200 == 0:
            folder.mkdir(parents=True)
        (folder / f"{number}.tfstate").write_bytes(text_of(number, plain))


def run(*arguments: str, environment: dict[str, str] | None = None) -> tuple[float, int, dict]:
    """Return the seconds, the peak memory in MiB with the readers', and the report of a check."""
    start = time.perf_counter()
    command = [
        TFCERT,
        "check",
        *arguments,
        "--as-of",
        "2026-11-25",
        "--offline",
        "--format",
        "json",
    ]
    peaks: dict[int, int] = {}
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.DEVNULL, env=environment
        )
        while process.poll() is None:
            watch(process.pid, peaks)
            time.sleep(0.02)
        seconds = time.perf_counter() - start
        output.seek(0)
        report = json.load(output)
    return seconds, sum(peaks.values()) // 1024, report


def watch(pid: int, peaks: dict[int, int]) -> None:
    """Note the peak memory of a process and its children, in KiB.

    wait4 would count this process too, which the child was before it started the command.
    """
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                watch(int(child), peaks)
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                peaks[pid] = max(peaks.get(pid, 0), int(line.split()[1]))
    except OSError:
        return


def cat(top: Path) -> float:
    """Return the seconds that `cat` of all states takes."""
    start = time.perf_counter()
    find = ["find", str(top), "-name", "*.tfstate", "-print0"]
    with subprocess.Popen(find, stdout=subprocess.PIPE) as listed:
        subprocess.run(
            ["xargs", "-0", "cat"], stdin=listed.stdout, stdout=subprocess.DEVNULL, check=True
        )
    return time.perf_counter() - start


def local(top: Path, count: int) -> None:
    """Measure the states on the disk."""
    write_tree(top / "all", count)
    cat(top / "all")
    pairs = []
    for _ in range(3):
        floor = cat(top / "all")
        seconds, memory, report = run("--states", str(top / "all"))
        expected = -(-count // EACH)
        assert report["summary"]["certificates"] == expected, report["summary"]
        pairs.append((seconds / floor, seconds, floor, memory))
    ratio, seconds, floor, memory = sorted(pairs)[1]
    print(f"{count:,} states: {seconds:.2f} s, cat {floor:.2f} s: {ratio:.2f} times (at most 3)")
    paths = sorted((top / "all").rglob("*.tfstate"))[: min(LOOP, count)]
    start = time.perf_counter()
    for path in paths:
        subprocess.run([TFCERT, "check", str(path), "--offline"], capture_output=True, check=False)
    each = (time.perf_counter() - start) / len(paths)
    faster = each / (seconds / count)
    print(f"a state: {seconds / count * 1000:.2f} ms, in a loop {each * 1000:.0f} ms: "
          f"{faster:.0f} times faster (at least 50)")  # fmt: skip
    few = min(FEW, count)
    write_tree(top / "few", few)
    _, small, _ = run("--states", str(top / "few"))
    print(f"memory: {small} MiB for {few:,} states, {memory} MiB for {count:,}")


def remote(count: int) -> None:
    """Measure the states in a loopback S3."""
    plain = bodies(20_000)
    objects = {f"p/{number}.tfstate": text_of(number, plain) for number in range(count)}
    with SlowS3(objects, LATENCY) as server:
        environment = {
            **os.environ, "AWS_ENDPOINT_URL": server.address, "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1",
        }  # fmt: skip
        times = []
        for _ in range(3):
            seconds, _, report = run("--states", "s3://fleet/p/", environment=environment)
            assert report["summary"]["certificates"] == -(-count // EACH), report["notices"]
            times.append(seconds)
    pages = -(-count // 1000)
    floor = (count / THREADS + pages) * LATENCY
    seconds = sorted(times)[1]
    print(f"{count:,} objects, {THREADS} threads: {seconds:.2f} s, floor {floor:.2f} s: "
          f"{seconds / floor:.2f} times (at most 1.5)")  # fmt: skip


def main() -> None:
    states = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    objects = int(sys.argv[2]) if len(sys.argv) > 2 else 5_000
    top = Path(tempfile.mkdtemp(prefix="tfcert-fleet-"))
    try:
        if states:
            local(top, states)
        if objects:
            remote(objects)
    finally:
        shutil.rmtree(top)


if __name__ == "__main__":
    main()
