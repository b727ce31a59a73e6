"""The name of a backend that a probe calls, and the order of places in files."""

from __future__ import annotations

from checker.model.location import Location
from checker.model.probe import ProbeBackend


def test_the_name_of_a_backend_is_its_url_and_its_link():
    plain = ProbeBackend(scheme="https", host="orders.example", port=8443)
    assert str(plain) == "https://orders.example:8443"
    linked = ProbeBackend(scheme="http", host="orders.example", port=80, vpc_link="abc")
    assert str(linked) == "http://orders.example:80 by VPC link abc"


def test_places_are_in_the_order_of_files_then_lines():
    places = [Location("b.tf", 1), Location("a.tf", 10), Location("a.tf", 9)]
    assert [str(each) for each in sorted(places)] == ["a.tf:9", "a.tf:10", "b.tf:1"]
    assert not Location("a.tf", 1) < Location("a.tf", 1)
