"""Make products known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from flask_babel import lazy_gettext as _l
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.types import Text, Uuid

from config.extensions import db
from tenants.catalogue import queries
from tenants.catalogue.models import Category, Product
from tenants.errors import Malformed

# Names and categories people have typed stay; only what was empty is filled in.
_ENSURE = text("""
    WITH given AS (
      SELECT DISTINCT ON (sku COLLATE "C") sku, name, category FROM unnest(:skus, :names, :categories) AS g(sku, name, category)
      WHERE sku <> '' ORDER BY sku COLLATE "C", name = '', name COLLATE "C"
    ), fresh AS (
      SELECT g.sku, g.name, c.id AS category_id FROM given g
      LEFT JOIN categories c ON c.name = g.category AND g.category <> ''
      LEFT JOIN products p ON p.sku = g.sku
      WHERE p.id IS NULL OR (p.name = '' AND g.name <> '') OR (p.category_id IS NULL AND c.id IS NOT NULL)
    )
    INSERT INTO products (sku, name, category_id, import_id)
    SELECT sku, name, category_id, :import_id FROM fresh ORDER BY sku COLLATE "C"
    ON CONFLICT (tenant_id, sku) DO UPDATE SET
      name = CASE WHEN products.name = '' THEN excluded.name ELSE products.name END,
      category_id = coalesce(products.category_id, excluded.category_id)
    RETURNING (xmax = 0) AS made
""").bindparams(
    bindparam("skus", type_=ARRAY(Text)),
    bindparam("names", type_=ARRAY(Text)),
    bindparam("categories", type_=ARRAY(Text)),
    bindparam("import_id", type_=Uuid),
)


def ensure_products(given: Iterable[tuple[str, str, str]], *, import_id: UUID | None = None) -> int:
    """Make (sku, name, category) known in one statement, in the order of their SKUs; how many were new."""
    rows = list(given)
    if not rows:
        return 0
    categories = sorted({row[2] for row in rows if row[2]})
    if categories:
        values = [{"name": name} for name in categories]
        db.session.execute(insert(Category).on_conflict_do_nothing(), values)
    skus, names, groups = zip(*rows, strict=True)
    values_ = {"skus": list(skus), "names": list(names), "categories": list(groups), "import_id": import_id}
    return sum(1 for row in db.session.execute(_ENSURE, values_) if row.made)


def change_product(product_id: UUID, *, name: str, category: str, status: str) -> Product:
    """Change a product's name, category (made if it is new, none if empty) and status. Raises NotFound."""
    product = queries.product(product_id)
    product.name, product.status = name.strip(), status
    product.category_id = _category(category.strip())
    return product


def add_product(*, sku: str, name: str, category: str = "") -> Product:
    """Add a product by hand. Raises Malformed when the SKU is taken."""
    if queries.product_by_sku(sku.strip()):
        raise Malformed(errors={"sku": [_l("There is a product with this SKU already.")]})
    product = Product(sku=sku.strip(), name=name.strip(), category_id=_category(category.strip()), status="active")
    db.session.add(product)
    db.session.flush()  # its id is asked for at once
    return product


def _category(name: str) -> UUID | None:
    if not name:
        return None
    db.session.execute(insert(Category).on_conflict_do_nothing(), [{"name": name}])
    return queries.category_by_name(name)


def field_values(product: Product) -> Mapping[str, Any]:
    """What the form of a product starts from."""
    return {
        "sku": product.sku,
        "name": product.name,
        "category": queries.category_name(product.category_id),
        "status": product.status,
    }
