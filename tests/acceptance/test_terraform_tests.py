"""`terraform test` passes after repoint and retire, also if a test names the certificate."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rig.bench import PLAIN_SOURCE, Bench
from rig.processes import run

pytestmark = pytest.mark.xdist_group("acceptance-three-applies")

SCENARIO = Path(__file__).parents[2] / "fixtures" / "scenarios" / "terraform-tests"
PHASES = ("1-introduce.patch", "2-repoint.patch", "3-retire.patch")


@pytest.mark.needs_terraform("mocks in tests")
def test_the_tests_of_a_module_pass_after_each_phase(aws, tool, tmp_path):
    """Overrides, assertions and targets in a module's tests follow the certificate in
    each phase.
    """
    texts = {
        path.relative_to(SCENARIO / "config").as_posix(): path.read_bytes()
        for path in (SCENARIO / "config").rglob("*.*")
    }
    source = f'"{tool.provider_source}"'.encode()
    bench = Bench.lay(
        aws,
        tool,
        tmp_path / "tested",
        "none",
        {name: text.replace(PLAIN_SOURCE, source).decode() for name, text in texts.items()},
    )
    inner = bench.infra / "gateway"
    assert (
        run(
            [tool.binary.path, "init", "-no-color"], folder=inner, environment=bench.environment
        ).code
        == 0
    )
    for patch in PHASES:
        diff = (
            (SCENARIO / patch).read_bytes().replace(b"a/", b"a/infra/").replace(b"b/", b"b/infra/")
        )
        bench.git("apply", stdin=diff)
        for folder in {
            "2-repoint.patch": (bench.infra,),
            "3-retire.patch": (bench.infra, inner),
        }.get(patch, ()):
            ended = run(
                [tool.binary.path, "test", "-no-color"],
                folder=folder,
                environment=bench.attached,
            )
            assert ended.code == 0, f"after {patch} in {folder.name}: {ended}"
            # Before 1.6 `terraform test` was an experiment that reads other files.
            assert re.search(rb"Success! [1-9]\d* passed, 0 failed", ended.stdout), (
                f"no test ran: {ended}"
            )
