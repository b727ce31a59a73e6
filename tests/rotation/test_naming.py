"""The name of a successor."""

from __future__ import annotations

from datetime import date

import pytest

from checker.rotation.state import successor_name


@pytest.mark.parametrize(
    ("name", "successor"),
    [
        ("orders", "orders_202611"),
        ("orders_202511", "orders_202611"),
        ("orders_v2", "orders_202611"),
        ("orders_v12", "orders_202611"),
        ("orders_two", "orders_202611"),
        ("orders_new", "orders_202611"),
        ("orders_next", "orders_202611"),
        ("orders_news", "orders_news_202611"),
        ("orders_v2_new", "orders_v2_202611"),
        ("orders_2025", "orders_2025_202611"),
        ("orders202511", "orders202511_202611"),
        ("new", "new_202611"),
        ("_new", "_new_202611"),
        ("v2", "v2_202611"),
    ],
)
def test_a_successor_is_named_after_its_predecessor_and_the_month(name, successor):
    """A successor's name is the predecessor's name with the month; a known earlier suffix is
    replaced.
    """
    assert successor_name(name, date(2026, 11, 23)) == successor


@pytest.mark.parametrize("other", ["orders", "orders_202512", "orders_two"])
def test_a_dated_name_keeps_its_month_beside_another_certificate_in_use(other):
    """A dated name keeps its month if a certificate with the plain name exists, so that both can
    have a successor.
    """
    assert (
        successor_name("orders_202511", date(2026, 11, 23), {"orders_202511", other})
        == "orders_202511_202611"
    )
    assert successor_name("orders_202511", date(2026, 11, 23), {"orders_202511"}) == "orders_202611"
