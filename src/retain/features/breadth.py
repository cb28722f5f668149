"""How many different things the customer buys, and how evenly."""

from __future__ import annotations

from retain.features.spec import Feature, How, Measure
from retain.timeline import Lookback

_YEAR = Lookback(365)

FEATURES = (
    Feature(
        "products_90d",
        Measure("lines", How.DISTINCT, "product", Lookback(90)),
        "breadth",
        "Who uses more of the range stays longer.",
        "{products_90d:product} in the last 90 days",
        spoken_by="products_365d",
    ),
    Feature(
        "products_365d",
        Measure("lines", How.DISTINCT, "product", _YEAR),
        "breadth",
        "Who uses more of the range stays longer.",
        "{products_365d:product} in the last 365 days",
    ),
    Feature(
        "product_entropy_365d",
        Measure("lines", How.ENTROPY, "product", _YEAR),
        "breadth",
        "One favourite, or a bit of everything.",
        "variety of products {product_entropy_365d:.1f}",
    ),
    Feature(
        "product_top_share_365d",
        Measure("lines", How.TOP_SHARE, "product", _YEAR),
        "breadth",
        "Who comes for one product leaves with it.",
        "{product_top_share_365d:.0%} of the lines are one product",
    ),
    Feature(
        "categories_365d",
        Measure("lines", How.DISTINCT, "category", _YEAR),
        "breadth",
        "Who uses more of the range stays longer.",
        "categories: {categories_365d:.0f} in the last 365 days",
    ),
    Feature(
        "category_entropy_365d",
        Measure("lines", How.ENTROPY, "category", _YEAR),
        "breadth",
        "One kind of thing, or many.",
        "variety of categories {category_entropy_365d:.1f}",
    ),
    Feature(
        "category_top_share_365d",
        Measure("lines", How.TOP_SHARE, "category", _YEAR),
        "breadth",
        "Who comes for one kind of thing leaves with it.",
        "{category_top_share_365d:.0%} of the lines in one category",
    ),
)
