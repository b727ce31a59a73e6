"""Supported format versions."""

from __future__ import annotations

import pytest
from terraform_json import plan

from checker.errors import UnreadableError
from checker.terraform.decode import JsonPath
from checker.terraform.load import check_format, check_raw_state


@pytest.mark.parametrize(
    "version", ["0.1", "0.2", "1.0", "1.1", "1.2", "1.3", "1.10", "1.999", "1.2.0"]
)
def test_every_minor_version_is_read(version, read):
    """Every minor version from Terraform 0.12 on is read."""
    check_format(version, JsonPath("p"))
    assert read(plan(format_version=version)).source.format_version == version


@pytest.mark.parametrize("version", ["2.0", "2.1", "10.0"])
def test_a_higher_major_version_is_refused(version, read):
    """A higher major version is refused, and the remedy is to upgrade tfcert."""
    with pytest.raises(
        UnreadableError, match=rf"format version {version} is newer.*\(upgrade tfcert\)"
    ) as error:
        read(plan(format_version=version))
    assert error.value.where == "plan.json: format_version"


@pytest.mark.parametrize(
    "version", ["", "1", "one", "1.", "1.x", "-1.0", "1.0e9", "\u0663.\u0660", "1." + "9" * 5000]
)
def test_what_is_no_version_is_refused(version, read):
    """An invalid version is refused without a quote."""
    with pytest.raises(UnreadableError, match=r"is not a format version such as 1\.2"):
        read(plan(format_version=version))


def test_a_version_before_the_first_is_refused():
    """Format version 0.0, which was never released, is refused."""
    with pytest.raises(UnreadableError, match="never written"):
        check_format("0.0", JsonPath("p"))


@pytest.mark.parametrize("version", [1, 2, 3])
def test_an_old_state_is_refused_with_the_way_to_upgrade(version, read):
    """A state of Terraform 0.11 or older is refused, and the remedy is to upgrade it."""
    with pytest.raises(
        UnreadableError,
        match=rf"state version {version} is of Terraform 0.11 or older.*0.12 or later",
    ):
        read({"version": version, "serial": 1, "lineage": "x", "modules": []})


def test_a_later_state_is_refused(read):
    """A state version newer than 4 is refused."""
    with pytest.raises(UnreadableError, match="state version 5 is newer"):
        read({"version": 5, "lineage": "x", "resources": []})
    check_raw_state(4, JsonPath("s"))
