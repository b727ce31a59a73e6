"""Comments above a certificate that introduce copies to its successor, and those that it does not."""

from __future__ import annotations

import pytest
from world import BASE, world

from checker.model.rotation import Phase


@pytest.mark.parametrize(
    ("comment", "copied"),
    [
        ("# shown to the backend of orders\n", True),
        ("# Copyright 2024 Orders Ltd\n", False),
        ("# SPDX-License-Identifier: MIT\n", False),
        ("# rotated on 2025-11-01\n", False),
    ],
)
def test_a_licence_or_a_date_stays_with_the_predecessor(comment, copied, tmp_path):
    home = world(tmp_path, {"main.tf": comment + BASE})
    _, patches = home.ask(phase=Phase.INTRODUCE)
    (change,) = patches.patches[0].changes
    assert change.after.count(comment.encode()) == (2 if copied else 1)
