"""Explanations of each exception that botocore raises."""

from __future__ import annotations

import inspect

import pytest
import urllib3.exceptions
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from checker.aws.errors import Question, boto_exceptions, explain_exception
from checker.aws.gateway import GatewayError

SECRET = "hunter2-hunter2"
QUESTION = Question(operation="GetStages", region="us-east-1", endpoint="127.0.0.1:4566")


class _AnyField(dict):
    """A mapping with a secret for any field of a message template."""

    def __missing__(self, _name):
        return f"'{SECRET}'"


def _raised(kind):
    error = kind.__new__(kind)
    Exception.__init__(error, f"failed with {SECRET}")
    error.kwargs = _AnyField()
    return error


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for _, kind in inspect.getmembers(boto, inspect.isclass)
        if issubclass(kind, boto.BotoCoreError)
    ],
    ids=lambda kind: kind.__name__,
)
def test_every_exception_of_botocore_is_explained_without_its_own_words(kind):
    """Each botocore exception is explained without its own message, which may have secrets."""
    error = _raised(kind)
    assert isinstance(error, boto_exceptions())

    told = explain_exception(error, QUESTION)

    assert isinstance(told, GatewayError)
    assert told.unanswered.reason
    assert told.unanswered.remedy
    assert SECRET not in told.unanswered.reason + told.unanswered.remedy


@pytest.mark.parametrize(
    "error",
    [
        ResponseParserError(SECRET),
        urllib3.exceptions.HTTPError(SECRET),
        OSError(SECRET),
        ValueError(SECRET),
        KeyError(SECRET),
        TypeError(SECRET),
        AttributeError(SECRET),
        RecursionError(SECRET),
        boto.ClientError({}, "GetStages"),
        boto.ClientError({"Error": {"Code": SECRET * 20, "Message": SECRET}}, "AssumeRole"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_comes_out_of_botocore_beside_its_own_exceptions_is_explained_too(error):
    """Other exceptions of botocore's parsers and credential programs are explained too."""
    assert isinstance(error, boto_exceptions())

    told = explain_exception(error, QUESTION).unanswered

    assert "in region us-east-1" in told.reason
    assert SECRET not in told.reason + told.remedy


def test_an_interrupt_is_nothing_to_explain():
    """KeyboardInterrupt and SystemExit are not among the explained exceptions."""
    assert not issubclass(KeyboardInterrupt, boto_exceptions())
    assert not issubclass(SystemExit, boto_exceptions())
