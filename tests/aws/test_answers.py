"""Answers of AWS that a real AWS would not give: each is refused, and none is taken for a value."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from checker.aws import responses
from checker.aws.identity import KnownCaller, UnknownCaller, unconfirmed_account
from checker.aws.integrations import method_for, parse_methods
from checker.aws.trust import _secret, _values
from checker.model.observation import Unanswered

ARN = "arn:aws:acm:us-east-1:123456789012:certificate/one"


@pytest.mark.parametrize("end", [None, "2027-01-01", datetime(1, 1, 1, tzinfo=UTC)])
def test_i4_a_certificate_of_acm_without_a_usable_end_is_not_known(end):
    """I4: without an end that is a moment of this time, ACM's certificate is not verified."""
    detail = {"CertificateArn": ARN, "Status": "ISSUED", "NotAfter": end}
    found = responses.parse_acm_certificate({"Certificate": detail}, ARN)
    assert isinstance(found, Unanswered)
    assert "no end date" in found.reason


@pytest.mark.parametrize("found", [["a"], "a", 7, {"a": 1}, {1: "a"}, {"a": None}])
def test_a_map_of_texts_has_only_texts(found):
    """Variables of a stage that are no texts are refused; none is an empty map."""
    assert responses.texts(None) == {}
    assert responses.texts({"a": "b"}) == {"a": "b"}
    with pytest.raises(ValueError, match="no map of texts"):
        responses.texts(found)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/orders", "/orders"),
        ("/orders/7", "/orders/{id}"),
        ("/orders/7/items", None),
        ("/", None),
        ("/files/a/b", "/files/{path+}"),
    ],
)
def test_a_path_is_that_of_the_method_that_api_gateway_would_call(path, found):
    """A longer template does not fit a shorter path, and the other way round."""
    methods = parse_methods(
        {"id": name, "path": name, "resourceMethods": {"GET": {"methodIntegration": None}}}
        for name in ("/orders", "/orders/{id}", "/orders/{id}/items/{item}", "/files/{path+}")
    )
    method = method_for(methods, "GET", path)
    assert (method.path if method is not None else None) == found
    assert all(each.integration is None for each in methods)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("plain", "plain"),
        ('{"a": "one", "b": ["two", {"c": "three"}], "d": 7, "e": []}', "one\ntwo\nthree"),
        ('["one", null, true]', "one"),
        ("{broken", "{broken"),
        ("[" * 100_000, "[" * 100_000),
    ],
)
def test_the_texts_of_a_secret_are_found_at_any_depth(text, values):
    """The texts in a JSON secret are all its texts; what is not JSON is one text."""
    assert _values(text) == values


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ({"SecretString": "PEM"}, "PEM"),
        ({"SecretBinary": b'{"pem": "PEM"}'}, "PEM"),
        ({"SecretString": "", "SecretBinary": b"PEM"}, "PEM"),
        ({}, ""),
    ],
)
def test_a_secret_is_a_text_or_bytes(answer, text):
    """A secret's text wins over its bytes; a secret without either has no text."""
    material = SimpleNamespace(names=("trust",), arn="arn:x", address="a.b")
    held = {"trust": {"ARN": "arn:x", **answer}}
    client = SimpleNamespace(get_secret_value=lambda **asked: held[asked["SecretId"]])
    assert _secret(client, material, "us-east-1") == text


@pytest.mark.parametrize(
    ("caller", "recorded", "region", "says"),
    [
        (UnknownCaller("denied"), "1", "us-east-1", "account of the credentials is not known"),
        (KnownCaller("1"), None, "us-east-1", "whether account 1 is the right one"),
        (KnownCaller("1"), "1", None, "no document says whether that is the right region"),
    ],
)
def test_i4_an_answer_that_may_be_of_another_place_says_why(caller, recorded, region, says):
    """I4: an answer about a place that nothing confirms is not taken, and the reason is exact."""
    found = unconfirmed_account("AWS does not know it", recorded, region, caller, ("timed out",))
    assert says in found.reason
    assert found.reason.endswith("to prove it; timed out")
    assert ("--region" in found.remedy) == (region is None)
