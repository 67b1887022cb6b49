"""Read products and categories."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from sqlalchemy import Select, and_, func, or_, select

from config.extensions import db
from tenants.catalogue.models import Category, Product
from tenants.errors import NotFound
from tenants.scope import current_tenant_id


def product(product_id: UUID) -> Product:
    """The product. Raises NotFound, also for another tenant's."""
    found = db.session.get(Product, (current_tenant_id(), product_id))
    if found is None:
        raise NotFound
    return found


def product_by_sku(sku: str) -> Product | None:
    """The product with this SKU, as the till writes it."""
    return db.session.scalars(select(Product).where(Product.sku == sku)).one_or_none()


def category_by_name(name: str) -> UUID | None:
    """The id of the category with this name."""
    return db.session.scalar(select(Category.id).where(Category.name == name))


def category_name(category_id: UUID | None) -> str:
    """The name of a category, empty for none."""
    if category_id is None:
        return ""
    return db.session.scalar(select(Category.name).where(Category.id == category_id)) or ""


def category_options() -> list[tuple[str, str]]:
    """All categories as (id, name), by name."""
    statement = select(Category.id, Category.name).order_by(Category.name).limit(500)
    return [(str(ident), name) for ident, name in db.session.execute(statement)]


def products() -> Select[Any]:
    """Products with the name of their category, for the list."""
    on_category = and_(Category.tenant_id == Product.tenant_id, Category.id == Product.category_id)
    columns = (
        Product.id,
        Product.sku,
        Product.name,
        Product.status,
        Product.created_at,
        Category.name.label("category"),
    )
    return cast("Select[Any]", select(*columns).outerjoin(Category, on_category))


def find_products(statement: Select[Any], words: str) -> Select[Any]:
    """Narrow the list to products whose SKU begins with the words or whose name holds them."""
    low = words.strip().lower()
    prefix = or_(Product.sku.between(words.strip(), words.strip() + "\uffff"), Product.sku == words.strip())
    return statement.where(or_(prefix, func.lower(Product.name).contains(low, autoescape=True)))
