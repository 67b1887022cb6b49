"""Products: made in sets by imports, one by one by people."""

from __future__ import annotations

from collections.abc import Callable

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session


def test_products_are_made_once_and_blanks_are_filled(scope: Session) -> None:
    from tenants.catalogue.models import Category, Product
    from tenants.catalogue.services import ensure_products

    assert ensure_products([("A", "Lamp", "Light"), ("A", "lamp", ""), ("B", "", ""), ("", "no sku", "")]) == 2
    assert ensure_products([("A", "Another", ""), ("B", "Pot", "Kitchen")]) == 0
    assert ensure_products([]) == 0
    query = select(Product.sku, Product.name, Category.name).outerjoin(Category, Category.id == Product.category_id)
    assert {tuple(row) for row in scope.execute(query)} == {("A", "Lamp", "Light"), ("B", "Pot", "Kitchen")}


def test_add_find_and_change_a_product(staff_client: Callable[..., FlaskClient]) -> None:
    manager = staff_client("manager")
    assert "No products yet" in manager.get("/admin/products/").get_data(as_text=True)
    made = manager.post("/admin/products/new", data={"sku": "L-1", "name": "Lamp", "category": "Light"})
    assert made.status_code == 303
    again = manager.post("/admin/products/new", data={"sku": "L-1", "name": "Lamp"})
    assert again.status_code == 422
    page = manager.get("/admin/products/?q=lam").get_data(as_text=True)
    assert "L-1" in page
    assert "Light" in page


def test_a_category_can_be_taken_away(scope: Session) -> None:
    from tenants.catalogue import services

    product = services.add_product(sku="A", name="Lamp", category="Light")
    changed = services.change_product(product.id, name=" Lamp ", category="", status="retired")
    assert (changed.name, changed.category_id, changed.status) == ("Lamp", None, "retired")
