"""A simulated year of `tfcert propose`: many repositories, people, applies and faults, and what must be true on every day.

`python tests/propose/year.py [DAILY] [MANY] [SEED]` runs it and prints its figures; `make year` is the whole.
"""

from __future__ import annotations

import json
import random
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from direct import Kill, Turns, wired
from homes import SERVERS, SHAPES, WINDOW, Home, leaks, put_tool, shown
from strict_server import Answer, Fault

BEGIN = datetime(2026, 1, 1, 6, tzinfo=UTC)
DAYS = 365
NOTICE = 60
# How people merge.
WAYS = ({}, {}, {"squash": True}, {"squash": True, "delete": False}, {"delete": False})
_CERTIFICATES = re.compile(r"<!-- tfcert propose (\{.*\}) -->\s*\Z")


class BrokenError(AssertionError):
    """A promise that was broken, with the repository and the day."""


@dataclass(kw_only=True)
class Life:
    """One repository through the year: what its people do, and when it was run."""

    home: Home
    random: random.Random
    daily: bool
    disturbed: bool
    dashboard: bool
    end: datetime
    merge_on: dict[int, int] = field(default_factory=dict)
    reopen_on: dict[int, int] = field(default_factory=dict)
    apply_on: int | None = None
    asks_again: bool = False
    mine: list[tuple[str, str]] = field(default_factory=list)
    seen_moves: int = 0
    runs: int = 0
    log: list[str] = field(default_factory=list)
    wakes: set[int] = field(default_factory=set)

    # ---- people

    def note(self, counts, what):
        """Count something that happened, and keep it for the story of a failure."""
        counts[what] += 1
        self.log.append(f"day {(self.home.server.now - BEGIN).days}: {what}")

    def morning(self, day, counts):  # noqa: C901 -- a day in one go
        """What people and the pipeline do before the day's run; returns whether anything changed."""
        home, changed = self.home, False
        for request in home.requests(opened=True):
            if request.number not in self.merge_on:
                self.merge_on[request.number] = day + self.random.randint(0, 4)
        if self.disturbed and home.requests(opened=True):
            changed |= self._disturb(day, counts)
        for number, when in list(self.reopen_on.items()):
            if when <= day:
                del self.reopen_on[number]
                changed = True
                self._reopen(number, counts)
        for request in home.requests(opened=True):
            if self.merge_on.get(request.number, day + 1) <= day and self.apply_on is None:
                way = self.random.choice(WAYS)
                if home.server.merge(home.project, request, **way) is None:
                    self.note(counts, "merges that conflicted")
                    if any(name == request.head for name, _ in self.mine):
                        # Only a person can resolve that; this one gives the request back.
                        self._delete(request, day, counts)
                        changed = True
                    continue
                self.note(counts, "requests merged")
                changed = True
                self.apply_on = day + self.random.randint(0, 2)
        if self.apply_on is not None and self.apply_on <= day:
            self.apply_on = None
            changed = True
            for done in home.apply().values():
                for what in done.values():
                    self.note(counts, f"certificates {what}")
                if "created" in done.values():
                    self.wakes |= {day + 2, day + 3, day + 4}
        return changed

    def _disturb(self, day, counts):
        """Sometimes people get in the way."""
        home = self.home
        request = self.random.choice(home.requests(opened=True))
        match self.random.random():
            case chance if chance < 0.06:
                path = self.random.choice([p for p in home.base_files() if p.endswith(".tf")])
                text = home.base_files()[path][1]
                end = b"\r\n" if b"\r\n" in text else b"\n"
                home.server.push(home.project, {path: b"# Day %d.%s" % (day, end) + text})
                self.note(counts, "bases moved")
            case chance if chance < 0.10:
                home.server.push(home.project, {"notes.txt": b"day %d\n" % day})
                self.note(counts, "bases moved")
            case chance if chance < 0.14:
                made = home.server.push(
                    home.project, {"NOTES.md": b"day %d\n" % day}, branch=request.head
                )
                self.mine.append((request.head, made))
                self.note(counts, "persons' commits")
            case chance if chance < 0.17:
                home.server.close(request)
                self.merge_on.pop(request.number, None)
                self.reopen_on[request.number] = day + 2
                self.note(counts, "requests closed by people")
            case chance if chance < 0.19:
                self._delete(request, day, counts)
            case _:
                return False
        return True

    def _delete(self, request, day, counts):
        """A person deletes the branch, and the forge closes its request."""
        self.home.server.as_person()
        self.home.repository.move(request.head, None, request.sha)
        self._forget(request.head)
        self.reopen_on[request.number] = day + 2
        self.note(counts, "branches deleted by people")

    def _reopen(self, number, counts):
        """A person opens a request again, if the forge lets them; else the next run is asked to."""
        home = self.home
        request = next(one for one in home.requests() if one.number == number)
        head = home.repository.head(request.head)
        sealed = getattr(request, "sealed", False)
        if any(one.head == request.head for one in home.requests(opened=True)):
            return
        if head is None or sealed:
            self.asks_again = True
            self.note(counts, "runs with --reopen")
        else:
            home.server.reopen(request)
            self.note(counts, "requests reopened by people")

    def _forget(self, branch):
        self.mine = [(name, sha) for name, sha in self.mine if name != branch]

    # ---- runs

    def run(self, wire, counts):
        """One run, perhaps with a fault; returns its result, None if it was killed."""
        home = self.home
        self.runs += 1
        counts["runs"] += 1
        fault = self.random.random() if self.disturbed else 1.0
        home.cloud.denied = 0.20 <= fault < 0.22
        home.server.faults = []
        wire.hooks = []
        if fault < 0.05:
            number = self.random.randint(1, 30)
            moment = self.random.choice(["before", "after"])
            wire.hooks = [Kill(number, moment, lambda _: True)]
        elif fault < 0.20:
            home.server.faults = [self._fault()]
        elif fault < 0.24 and not home.cloud.denied:
            self._together(wire, counts)
        options = {"dashboard": self.dashboard, "reopen": self.asks_again}
        result = home.run(**options)
        self.log.append(
            f"day {(home.server.now - BEGIN).days}: run{' --reopen' if self.asks_again else ''}{' killed' if result is None else ''}"
            f"{' denied' if home.cloud.denied else ''}: "
            + "; ".join(f"{each.what}: {each.did}" for each in (result.results if result else ()))
        )
        counts["runs killed"] += result is None
        counts["runs that AWS denied"] += home.cloud.denied
        unused = [each for each in home.server.faults if each.times > 0]
        counts["faults"] += len(home.server.faults) - len(unused)
        home.server.faults, wire.hooks = [], []
        if result is None or result.exit_code != 0:
            self.wakes.add((home.server.now - BEGIN).days + 1)
        else:
            self.asks_again = False
        self._judge(result, counts)
        home.cloud.denied = False
        return result

    def _fault(self):
        github = self.home.forge == "github"
        limit = Answer(
            status=403 if github else 429,
            body={"message": "API rate limit exceeded"},
            headers={"Retry-After": "30"},
        )
        answer, heard = self.random.choice(
            [
                (Answer(status=502, body={"message": "Bad Gateway"}), False),
                (Answer(status=502, body={"message": "Bad Gateway"}), True),
                (None, False),
                (None, True),
                (limit, False),
            ]
        )
        method = self.random.choice(["GET", "POST", "POST", "PATCH" if github else "PUT"])
        return Fault(method=method, path="", answer=answer, heard=heard)

    def _together(self, wire, counts):
        """Two runs at once, in an order of their calls that the seed decides."""
        self.note(counts, "pairs of runs at once")
        counts["runs"] += 2
        names = ("one", "other")
        folders = {name: self.home.checkout(f"checkout of {name}") for name in names}
        turns = Turns(names, self.random)
        failed = []

        def work(name):
            try:
                self.home.run(where=folders[name], dashboard=self.dashboard)
            except Exception as error:  # noqa: BLE001 -- told by the thread that waits
                failed.append(error)
            finally:
                turns.end(name)

        wire.hooks = [turns]
        threads = [
            threading.Thread(target=work, args=(name,), name=name, daemon=True) for name in names
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        wire.hooks = []
        if failed or any(thread.is_alive() for thread in threads):
            raise BrokenError(
                f"{self.home.project.name}: two runs at once: {failed or turns.order}"
            )

    # ---- what must be true

    def _judge(self, result, counts):  # noqa: C901 -- likewise
        home, now = self.home, self.home.server.now
        where = f"{home.project.name} on day {(now - BEGIN).days}"

        def must(holds, what):
            if not holds:
                raise BrokenError(f"{where}: {what}")

        if result is not None:
            expected = {3} if home.cloud.denied else {0}
            must(result.exit_code in expected, f"exit code {result.exit_code}: {result}")
        issues = [one for one in home.project.requests if one.head is None and one.open]
        # A run that was killed between two calls may leave one too many to the next.
        if result is not None:
            must(len(issues) == self.dashboard, f"{len(issues)} dashboards")
        there = Counter()
        for request in home.requests():
            if request.open or request.merged_at is not None:
                there.update((each, home.phase(request)) for each in _named(request))
        must(all(number == 1 for number in there.values()), f"more than one request: {there}")
        for request in home.requests(opened=True):
            for identity in _named(request):
                self._judge_phase(home.phase(request), identity, now, must)
        for by, branch, old, new in home.project.moves[self.seen_moves :]:
            if by == home.bot:
                must(branch.startswith("tfcert/"), f"{branch} moved from {old} to {new}")
                if new is not None and home.repository.head(branch) == new and result is not None:
                    self._judge_bytes(branch, new, must, counts)
            elif new is None:
                self._forget(branch)
        self.seen_moves = len(home.project.moves)
        for branch, sha in self.mine:
            head = home.repository.head(branch)
            must(
                head and home.repository.is_ancestor(sha, head),
                f"a person's commit {sha} on {branch} is lost",
            )
        must(not leaks(home), "a value of the state is in a request")

    def _judge_phase(self, phase, identity, now, must):
        cloud = self.home.cloud
        if phase == "repoint":
            young = [each for each, born in cloud.created.items() if now - born < WINDOW]
            other = [each for root in cloud.roots.values() for each in root.certificates.values()]
            must(identity in other, f"repoint of {identity}, which is in no state")
            root = next(
                one for one in cloud.roots.values() if identity in one.certificates.values()
            )
            successors = [
                each
                for each in root.certificates.values()
                if cloud.created[each] > cloud.created[identity]
            ]
            must(set(successors) - set(young), f"repoint of {identity} in the trust window")
        if phase == "retire":
            must(
                identity not in cloud.stages.values(),
                f"retire of {identity}, which a stage presents",
            )

    def _judge_bytes(self, branch, new, must, counts):
        home = self.home
        if home.cloud.denied:
            return
        phase = branch.rpartition("/")[2]
        wanted = [
            patches[0][1]
            for patches in home.patched().values()
            if len(patches) == 1 and patches[0][0] == phase
        ]
        commits, changed = shown(home, new)
        must(len(commits) == 1, f"{branch} has {len(commits)} commits")
        must(
            all(one and one[0] == two[0] for one, two in changed.values()),
            f"{branch} changes a mode",
        )
        written = {path: after[1] for path, (_, after) in changed.items()}
        if wanted:
            counts["branches compared with patch"] += 1
            must(any(each == written for each in wanted), f"{branch} is not what patch writes")


def _named(request):
    """The certificates of a request, by the marker in its body."""
    found = _CERTIFICATES.search(request.body or "")
    if found is None:
        return [request.head.split("/")[1]]
    return [each.rpartition("/")[2] for each in json.loads(found[1])["certificates"]]


def live(folder, wire, *, daily, many, seed, days=DAYS, forges=("github", "gitlab")):
    """Live through the year; returns the counts. Raises BrokenError, or DangerError from an apply."""
    counts, dice = Counter(), random.Random(seed)
    servers = {name: wire.serve(SERVERS[name](now=BEGIN)) for name in forges}
    lives, copies = [], {}
    for number in range(daily + many):
        forge = forges[number % len(forges)]
        shape = list(SHAPES)[number // len(forges) % len(SHAPES)]
        server = servers[forge]
        # Its successor is not due again before the year is over.
        end = BEGIN + timedelta(days=dice.randint(125, days - 60))
        server.now = end - timedelta(days=365)
        home = Home.make(
            server,
            folder / f"{number:03}",
            shape=shape,
            name=f"acme/gateway{number:03}",
            copy_of=copies.get((forge, shape)),
            prefix=f"r{number:03}c",
        )
        if (forge, shape) not in copies:
            copies[forge, shape] = _copy(home, folder / f"copy of {forge} {shape}")
        # In half of those with several certificates, the others end later.
        apart = dice.choice([0, dice.randint(1, 30)])
        for identity in sorted(home.cloud.created)[1:]:
            home.cloud.created[identity] += timedelta(days=apart)
        due = (end - BEGIN).days - NOTICE
        lives.append(
            Life(
                home=home,
                random=random.Random(f"{seed} {number}"),
                daily=number < daily,
                disturbed=number % 3 != 2,
                dashboard=number % 4 < 2,
                end=end,
                wakes={due - 1, due, due + 1, due + apart, due + apart + 1, days - 1},
            )
        )
    began = time.process_time()
    try:
        _go_through(lives, days, wire, counts)
        _judge_end(lives, counts)
    except AssertionError as error:
        found = next((life for life in lives if life.home.project.name in str(error)), lives[-1])
        raise BrokenError("\n".join([str(error), *found.log[-40:]])) from error
    counts["CPU seconds"] = round(time.process_time() - began)
    counts["calls"] = wire.calls
    for server in servers.values():
        counts["calls that write"] += len(server.writes())
        if server.violations:
            raise BrokenError(f"not as the forge's description: {server.violations[:3]}")
        server.discard()
    return counts


def _go_through(lives, days, wire, counts):
    for day in range(days):
        for life in lives:
            server = life.home.server
            server.now = BEGIN + timedelta(days=day)
            changed = life.morning(day, counts)
            if life.daily or changed or day in life.wakes:
                server.now += timedelta(hours=2)
                life.run(wire, counts)
            soonest = min(life.home.cloud.ends().values())
            if soonest <= server.now:
                raise BrokenError(
                    f"{life.home.project.name} on day {day}: a stage presents an expired certificate"
                )


def _judge_end(lives, counts):
    many = [life.runs for life in lives if not life.daily]
    counts["fewest runs of a repository that is not run daily"] = min(many, default=0)
    counts["most runs of a repository that is not run daily"] = max(many, default=0)
    for life in lives:
        home = life.home
        where = home.project.name
        if home.requests(opened=True):
            raise BrokenError(
                f"{where}: open at the end: {[one.head for one in home.requests(opened=True)]}"
            )
        old = [each for each, born in home.cloud.created.items() if born < BEGIN]
        if old:
            raise BrokenError(f"{where}: old certificates at the end: {old}")
        idle = set(home.cloud.created) - set(home.cloud.stages.values())
        if idle:
            raise BrokenError(f"{where}: certificates that nothing presents: {idle}")
        counts["requests"] += len(home.requests())
        counts["certificates retired"] += len(home.cloud.retired)


def _copy(home, folder):
    """The repository as it began, to copy for others."""
    from bare_repository import BareRepository

    return BareRepository(folder, copy_of=home.repository)


def main(daily=10, many=300, seed=1):
    import pytest

    with tempfile.TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(put_tool(Path(place) / "tools")))
        with wired(patch) as wire:
            counts = live(Path(place), wire, daily=int(daily), many=int(many), seed=int(seed))
    width = max(map(len, counts))
    sys.stdout.write(
        "".join(f"{name:<{width}}  {number:>7}\n" for name, number in sorted(counts.items()))
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
