"""The stages of many APIs of a region, listed by a few threads that share one patience."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from threading import Event, Lock

from checker.domain.observation import Gone, ObservedStage, Unanswered
from checker.domain.stage import StageKind
from checker.live.asking import Asking
from checker.live.deadline import OverdueError, start, within
from checker.live.gateway import Api, GatewayError, MissingError, UnreachableError

# At 9 requests a second, as many threads keep the pace up to a latency of nearly half a second.
_THREADS = 4

_OPERATIONS = {StageKind.REST: "GetRestApis", StageKind.WEBSOCKET: "GetApis"}

# It may have been deleted in between, with its stages; or its list may be refused to these credentials as if it were not there.
VANISHED = Unanswered(
    reason="AWS listed the API a moment ago, and now says that there is none: its stages are not known",
    remedy="run it again: an API that was deleted meanwhile is not listed then",
)

Listed = tuple[ObservedStage, ...] | Gone | Unanswered


def apis_of(asking: Asking, kind: StageKind) -> tuple[Api, ...]:
    """Every API of a kind in the region; raises GatewayError."""
    apis = asking.ask(_OPERATIONS[kind], lambda: asking.gateway.apis(asking.region, kind))
    asking.patience.answered()
    return apis


class StageListing:
    """Asks for the stages of each API once; a failure is an answer about that API alone, unless nothing else would be answered.

    Of a list that is wanted `whole` or not at all, any failure ends the asking. `told` is called after each answer.
    """

    def __init__(self, asking: Asking, apis: Iterable[Api], *, whole: bool = False, told: Callable[[], None] | None = None) -> None:
        self._asking = asking
        self._apis = tuple(dict.fromkeys(apis))
        self._whole = whole
        self._told = told
        self._next: Iterator[Api] = iter(self._apis)
        self._lock = Lock()
        self._over = Event()
        self._answers: dict[Api, Listed] = {}
        self._given_up: Unanswered | None = None

    def run(self) -> None:
        """Ask until every API is answered for, nothing would be, or patience has ended."""
        workers = [start(self._work) for _ in range(min(_THREADS, len(self._apis)))]
        try:
            for worker in workers:
                within(self._asking.patience, worker)
        except OverdueError:
            self._given_up = self._given_up or self._asking.overdue("GetStages").unanswered
        finally:
            self._over.set()

    def of(self, api: Api) -> Listed:
        """What was answered about an API, else why nothing was."""
        answered = self._answers.get(api)
        if answered is not None:
            return answered
        return self._given_up or self._asking.overdue("GetStages").unanswered

    def _work(self) -> None:
        while not self._over.is_set():
            with self._lock:
                api = next(self._next, None)
            if api is None:
                return
            try:
                self._answers[api] = self._asking.gateway.stages(self._asking.region, api)
            except MissingError:
                self._answers[api] = Gone()
            except GatewayError as error:
                if self._whole or isinstance(error, UnreachableError):
                    self._given_up = error.unanswered
                    self._over.set()
                    return
                self._answers[api] = error.unanswered
            self._asking.patience.answered()
            if self._told is not None:
                self._told()
