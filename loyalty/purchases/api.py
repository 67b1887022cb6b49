"""The JSON door of purchases and refunds."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_smorest import Blueprint

from loyalty.api_fields import KEY_HEADER, ProblemOut, answer, request_key
from loyalty.purchases.api_schemas import (
    OutcomeOut,
    OutcomesOut,
    PurchaseIn,
    PurchasesIn,
    RefundIn,
    RefundOut,
    outcome_body,
    purchase_doc,
    refund_doc,
)
from loyalty.purchases.refunds import record_refund
from loyalty.purchases.services import record_batch, record_purchase
from tenants.access import scoped
from tenants.info import tenant_info

bp = Blueprint("api_purchases", __name__, url_prefix="/api/v1", description="Purchases and refunds")
bp.face = "api"


@bp.post("/purchases")
@bp.arguments(PurchaseIn())
@bp.doc(parameters=[KEY_HEADER])
@bp.response(201, OutcomeOut)
@bp.alt_response(200, schema=OutcomeOut, description="Recorded before: the first answer again")
@bp.alt_response(404, schema=ProblemOut, description="unknown_member")
@bp.alt_response(409, schema=ProblemOut, description="event_differs, idempotency_key_reused")
@scoped("purchases:write")
def create_purchase(data: dict[str, Any]) -> Response:
    """Record a purchase; points, tier and event follow in the same instant."""
    key, body = request_key()
    doc = purchase_doc(data, tenant_info().currency)
    outcome = record_purchase(doc, source=data["source"], key=key, body=body)
    return answer(outcome_body(outcome, doc.external_id), status=201 if outcome.status == "new" else 200)


@bp.post("/purchases/batch")
@bp.arguments(PurchasesIn())
@bp.doc(parameters=[KEY_HEADER])
@bp.response(200, OutcomesOut)
@bp.alt_response(409, schema=ProblemOut, description="idempotency_key_reused")
@scoped("purchases:write")
def create_purchases(data: dict[str, Any]) -> Response:
    """Record up to 500 purchases; each has its own answer, in order."""
    key, body = request_key()
    currency = tenant_info().currency
    docs = [purchase_doc(each, currency) for each in data["purchases"]]
    outcomes = record_batch(docs, source="api", key=key, body=body)
    results = [outcome_body(o, doc.external_id) for o, doc in zip(outcomes, docs, strict=True)]
    return answer({"results": results})


@bp.post("/refunds")
@bp.arguments(RefundIn())
@bp.doc(parameters=[KEY_HEADER])
@bp.response(201, RefundOut)
@bp.alt_response(200, schema=RefundOut, description="Recorded before: the first answer again")
@bp.alt_response(404, schema=ProblemOut, description="unknown_member")
@bp.alt_response(409, schema=ProblemOut, description="event_differs, idempotency_key_reused")
@scoped("purchases:write")
def create_refund(data: dict[str, Any]) -> Response:
    """Record a return or cancellation; takes back what was recorded for the lines."""
    key, body = request_key()
    doc = refund_doc(data, tenant_info().currency)
    outcome = record_refund(doc, source=data["source"], key=key, body=body)
    result = {**outcome_body(outcome, doc.external_id), "unmatched": outcome.unmatched}
    return answer(result, status=201 if outcome.status == "new" else 200)
