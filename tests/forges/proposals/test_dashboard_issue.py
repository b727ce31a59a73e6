"""Tests of the one issue of `tfcert propose --dashboard`, when runs race and forges answer less."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from checker.errors import TfcertError
from checker.forges.proposals.dashboard import dashboard_line, keep_dashboard
from checker.forges.proposals.forge import ForgeIssue


class Issues:
    """The issues of a forge; `arriving` are those that another run makes at the same time."""

    def __init__(self, *issues, arriving=(), fails=False):
        self.found, self.arriving, self.fails = list(issues), list(arriving), fails
        self.did = []

    def issues(self):
        if self.fails:
            raise TfcertError("the forge is down", remedy="try again later")
        return tuple(self.found)

    def create_issue(self, title, body):
        self.did.append(f"create {title}")
        made = issue(9, body)
        self.found += [*self.arriving, made]
        return made

    def close_issue(self, number):
        self.did.append(f"close {number}")
        self.found = [
            replace(each, is_open=False) if each.number == number else each for each in self.found
        ]

    def edit_issue(self, number, body):
        self.did.append(f"edit {number}")
        assert body == OURS


def issue(number, body, *, is_open=True):
    """Return an issue of this job."""
    return ForgeIssue(number=number, body=body, url=f"issue {number}", is_open=is_open)


LINE = dashboard_line("prod")
OURS = f"{LINE}\nthe text"


@pytest.mark.parametrize(
    ("issues", "arriving", "did", "says"),
    [
        ((), (), ["create t"], "opened (issue 9)"),
        ((), (issue(8, OURS),), ["create t", "close 9"], "opened (issue 8)"),
        ((issue(3, OURS),), (), [], "is current (issue 3)"),
        ((issue(3, OURS.replace("\n", "\r\n")),), (), [], "is current (issue 3)"),
        ((issue(3, f"{LINE}\nold"),), (), ["edit 3"], "edited (issue 3)"),
        ((issue(4, OURS), issue(3, OURS)), (), ["close 4"], "is current (issue 3)"),
        ((issue(3, OURS, is_open=False),), (), [], "not touched: a person closed it (issue 3)"),
        ((issue(3, dashboard_line("test")),), (), ["create t"], "opened (issue 9)"),
    ],
)
def test_one_issue_stays(issues, arriving, did, says):
    """Of several issues the oldest open one stays, and a closed one is not opened again."""
    forge = Issues(*issues, arriving=arriving)
    found = keep_dashboard(forge, key="prod", title="t", text="the text", viewer="bot")
    assert (forge.did, found.did, found.failed) == (did, says, False)


def test_without_the_user_of_the_token_nothing_is_written():
    """A forge that does not tell who the token is gets no issue, and one that fails is named."""
    forge = Issues(issue(3, LINE))
    found = keep_dashboard(forge, key="prod", title="t", text="x", viewer=None)
    assert (forge.did, found.failed) == ([], True)
    assert "does not tell the user of the token" in found.did
    broken = keep_dashboard(Issues(fails=True), key="prod", title="t", text="x", viewer="bot")
    assert (broken.failed, broken.did) == (True, "not done: the forge is down (try again later)")
