"""A patch fits the files on disk only if it follows no unwritten phase."""

from __future__ import annotations

import pytest
from world import BASE, CERTIFICATE, STAGE, world

from checker.model.rotation import Phase

C = f"{CERTIFICATE}.orders"
FILES = {
    "main.tf": BASE,
    "other.tf": f'resource "{CERTIFICATE}" "carts" {{\n}}\n',
}


@pytest.fixture
def home(tmp_path):
    return world(tmp_path, FILES, certificates={C: "old000"}, stages={f"{STAGE}.prod": "old000"})


def on_disk(patches):
    return [(entry.phase, entry.on_disk) for entry in patches.patches]


def test_only_the_first_of_all_phases_fits_the_files(home):
    """Of all three phases, only the first one fits the files."""
    _, patches = home.ask(every=True)
    assert on_disk(patches) == [
        (Phase.INTRODUCE, True),
        (Phase.REPOINT, False),
        (Phase.RETIRE, False),
    ]


def test_a_later_phase_alone_does_not_fit_the_files(home):
    """A preview of repoint does not fit files without the introduced block."""
    _, patches = home.ask(phase=Phase.REPOINT)
    assert on_disk(patches) == [(Phase.REPOINT, False)]


def test_a_phase_fits_once_the_one_before_is_written(home):
    """After introduce is written and applied, repoint fits the files."""
    _, patches = home.ask()
    home.write(patches)
    home.apply(Phase.INTRODUCE, patches.rotations)
    _, patches = home.ask()
    assert on_disk(patches) == [(Phase.REPOINT, True)]
