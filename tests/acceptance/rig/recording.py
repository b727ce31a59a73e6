"""Record real Terraform documents as fixtures, only with TFCERT_RECORD=1 in the environment."""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime

from rig.bench import REPOSITORY, Bench, Judged, Planned

FIXTURES = REPOSITORY / "fixtures" / "acceptance"
PLACEHOLDER = "http://emulator.invalid"


def record(
    bench: Bench, step: str, planned: Planned | None = None, judged: Judged | None = None
) -> None:
    """Store the configuration, both forms of the state, the plan and tfcert's result under a step's
    name.

    The emulator's address becomes a placeholder. Only terraform's recording is kept.
    """
    if os.environ.get("TFCERT_RECORD") != "1" or bench.tool.binary.name != "terraform":
        return
    folder = FIXTURES / step
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "config").mkdir(parents=True)
    for name, text in bench.texts().items():
        (folder / "config" / name).write_bytes(text)
    kept = {"terraform.tfstate": bench.state, "state.json": bench.show_state("recorded-state")}
    if planned is not None:
        kept["plan.json"] = planned.json
    for name, file in kept.items():
        (folder / name).write_bytes(
            file.read_bytes().replace(bench.aws.endpoint.encode(), PLACEHOLDER.encode())
        )
    said: dict[str, object] = {"as_of": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
    if judged is not None:
        said["exit"] = judged.code
        said["findings"] = [
            {key: finding[key] for key in ("rule", "severity", "address")}
            for finding in judged.document["findings"]
        ]
    (folder / "said.json").write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
