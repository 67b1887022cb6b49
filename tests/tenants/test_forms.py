"""Forms: what was typed stays, what is wrong is said beside its field, in the reader's language."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask, g
from flask_babel import force_locale
from marshmallow import fields, validate

from tenants.errors import Conflict, Malformed
from tenants.forms import Form, FormSchema, Money, load
from tenants.info import TenantInfo


class Invite(FormSchema):
    email = fields.Email(required=True, metadata={"label": "E-mail", "hint": "At work"})
    name = fields.String(load_default="", validate=validate.Length(max=5), metadata={"label": "Name"})
    role = fields.String(
        required=True,
        validate=validate.OneOf(["a", "b"]),
        metadata={"label": "Role", "options": [("a", "A"), ("b", "B")]},
    )
    limit = Money(load_default=None, allow_none=True, metadata={"label": "Limit"})
    loud = fields.Boolean(load_default=False, metadata={"label": "Loud"})
    days = fields.List(
        fields.Integer(), load_default=list, metadata={"label": "Days", "options": [("1", "Mon"), ("2", "Tue")]}
    )
    secret = fields.String(load_default=None, metadata={"label": "Secret", "kind": "password"})
    picture = fields.Raw(load_default=None, metadata={"label": "Picture", "kind": "file"})


GOOD = {"email": " ada@example.com ", "role": "a"}


@pytest.fixture
def posted(app: Flask, scope: object, tenant: TenantInfo) -> Any:
    """`with posted(email="x")` is a request that posts these words."""

    @contextmanager
    def post(**words: Any) -> Iterator[None]:
        with app.test_request_context("/x", method="POST", data=words):
            g.tenant = tenant
            yield

    return post


def test_good_input_reaches_the_action_and_its_answer_comes_back(posted: Any) -> None:
    with posted(**GOOD, limit="1,234.50", loud="1", days=["1", "2"], secret=" x ", stray="y"):
        form = Form(Invite())
        assert form.submit(lambda **data: data, by="me")
        assert form.result == {
            "email": "ada@example.com", "name": "", "role": "a", "limit": 123450, "loud": True,
            "days": [1, 2], "secret": " x ", "picture": None, "by": "me",
        }  # fmt: skip


def test_bad_input_stays_and_is_said_beside_its_field(posted: Any) -> None:
    with posted(email="nobody", name="much too long", role="", limit="twelve", days=["1"], secret="s"):
        form = Form(Invite())
        assert not form.submit(pytest.fail)
        assert form.status == 422
        assert [str(e) for e in form["email"].errors] == ["This is not an e-mail address."]
        assert [str(e) for e in form["name"].errors] == ["Write at most 5 characters."]
        assert [str(e) for e in form["role"].errors] == ["Please fill this in."]
        assert [str(e) for e in form["limit"].errors] == ["Write an amount such as 12.50."]
        assert form["email"].value == "nobody"
        assert form["days"].value == ["1"]
        assert form["secret"].value == ""


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("12", 1200),
        ("£12.5", 1250),
        ("1,000", 100000),
        ("0.01", 1),
        ("-3.20", -320),
        ("90071992547409.91", 9007199254740991),
    ],
)
def test_money_is_read_as_people_type_it(posted: Any, text: str, minor: int) -> None:
    with posted(**GOOD, limit=text):
        assert load(Invite())["limit"] == minor


@pytest.mark.parametrize("text", ["1.005", "NaN", "1e400", "12.3.4", "9" * 30, "½"])
def test_money_refuses_what_it_cannot_keep(posted: Any, text: str) -> None:
    with posted(**GOOD, limit=text), pytest.raises(Malformed) as caught:
        load(Invite())
    assert set(caught.value.errors) == {"limit"}


def test_sentences_are_lazy_in_shared_validators(posted: Any) -> None:
    validator = Invite().fields["name"].validators[0]
    with posted(**GOOD, name="much too long"), force_locale("en"), pytest.raises(Malformed):
        load(Invite())
    assert not isinstance(validator.message_max, str)


def test_a_refusal_of_the_service_lands_beside_its_field_or_above(posted: Any) -> None:
    def refuse(**_data: Any) -> None:
        raise Malformed({"email": ["Taken."], "elsewhere": ["Loose."]})

    def conflict(**_data: Any) -> None:
        raise Conflict("Not today.")

    with posted(**GOOD):
        form = Form(Invite())
        assert not form.submit(refuse)
        assert (form.status, form["email"].errors, form.sentence) == (422, ["Taken."], "Loose.")
    with posted(**GOOD):
        form = Form(Invite())
        assert not form.submit(conflict)
        assert (form.status, str(form.sentence)) == (409, "Not today.")


def test_a_get_shows_what_is_stored(app: Flask, scope: object) -> None:
    with app.test_request_context("/x"):
        form = Form(Invite(), values={"email": "a@b.c", "limit": 123450, "days": ["2"], "loud": True, "secret": "no"})
        assert not form.submit(pytest.fail)
        values = {field.name: field.value for field in form}
    assert values == {
        "email": "a@b.c", "name": "", "role": "", "limit": "1234.50", "loud": True, "days": ["2"], "secret": "", "picture": "",
    }  # fmt: skip


def test_files_arrive(posted: Any) -> None:
    with posted(**GOOD, picture=(io.BytesIO(b"x"), "x.png")):
        form = Form(Invite())
        assert form.multipart
        assert form.load()["picture"].filename == "x.png"


def test_the_page_ties_label_hint_and_error_to_the_control(app: Flask, posted: Any) -> None:
    with posted(email="<b>", role="a"):
        form = Form(Invite())
        form.submit()
        html = app.jinja_env.from_string('{% import "_ui/ui.html" as ui %}{{ ui.form(form, submit="Go") }}').render(
            form=form
        )
    assert 'for="f-email"' in html
    assert 'aria-describedby="f-email-error f-email-hint"' in html
    assert 'aria-invalid="true"' in html
    assert 'value="&lt;b&gt;"' in html
    assert 'name="csrf_token"' in html
    assert 'enctype="multipart/form-data"' in html


def test_a_name_the_schema_does_not_have_is_no_field() -> None:
    form = Form(Invite())
    with pytest.raises(AttributeError):
        _ = form.nothing
