"""Contacts from a file: members, addresses, consent; and the file that is made up for a file of purchases."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.members import contact_file
from tenants.delivery.phones import normal_email, normal_phone

FILE = (
    "CustomerID,Name,Email,Mobile,Birthday,Language,EmailConsent,EmailMarketing,SmsConsent,SmsMarketing\n"
    "501.0,Ada Byron,ada@mail.example,+1 201 555 0123,1990-05-04,en,yes,no,yes,no\n"
    "502,王芳,,,,zh-CN,no,no,no,no\n"
    "503,,bob@@mail,,,,yes,no,no,no\n"
    "504,Cy,,07700 900123 x,,,no,no,no,no\n"
    "501,Ada again,ada@mail.example,,,,yes,no,no,no\n"
    "505,Di,di@mail.example,,2999-01-01,,yes,no,no,no\n"
    ",Nobody,no@mail.example,,,,yes,no,no,no\n"
    "506,Ed,ed@mail.example,,,Klingon,yes,no,no,no\n"
    "507,Flo,flo@mail.example,,,,perhaps,no,no,no\n"
)


def bring(data: str) -> dict[str, Any]:
    from tenants.imports import chunks, runner

    return chunks.summary(runner.run("contacts", name="contacts.csv", data=data.encode(), plan=runner.Plan()))


def test_good_rows_go_in_and_bad_ones_are_listed(scope: Session) -> None:
    from loyalty.members.models import Member
    from tenants.delivery.models import Address
    from tenants.imports.models import ImportRow

    result = bring(FILE)
    assert (result["lines"], result["taken"], result["rejected"], result["members"]) == (9, 2, 7, 2)
    assert (result["emails"], result["phones"], result["consents"]) == (1, 1, 2)
    ada = scope.scalars(select(Member).where(Member.number == "501")).one()
    assert (ada.name, ada.birthday, ada.locale) == ("Ada Byron", date(1990, 5, 4), "en")
    addresses = {a.channel: a for a in scope.scalars(select(Address).where(Address.person_id == ada.id))}
    assert (addresses["email"].value, addresses["email"].programme, addresses["email"].marketing) == (
        "ada@mail.example", True, False,
    )  # fmt: skip
    assert addresses["sms"].value == "+12015550123"
    rows = scope.execute(select(ImportRow.line, ImportRow.code).order_by(ImportRow.line)).all()
    assert [tuple(row) for row in rows] == [
        (4, "bad_email"), (5, "bad_phone"), (6, "twice"), (7, "in_the_future"), (8, "missing"), (9, "no_such_choice"),
        (10, "not_yes_or_no"),
    ]  # fmt: skip


def test_the_same_file_again_changes_nothing_and_blanks_are_filled(scope: Session) -> None:
    from loyalty.members.models import Member

    bring(FILE)
    again = bring(FILE)
    assert (again["taken"], again["unchanged"], again["rejected"]) == (0, 2, 7)
    more = bring("CustomerID,Name,Birthday\n501,Another Name,\n502,,1980-01-02\n")
    assert (more["taken"], more["unchanged"]) == (1, 1)
    names = dict(scope.execute(select(Member.number, Member.name)).all())
    assert names == {"501": "Ada Byron", "502": "王芳"}


def test_contacts_then_purchases_meet_in_one_member(scope: Session) -> None:
    from loyalty.members.models import Member
    from tenants.imports import chunks, runner

    bring(FILE)
    data = b"InvoiceNo,InvoiceDate,Amount,CustomerID\n1,2026-01-05,10.00,501.0\n2,2026-01-06,10.00,900\n"
    result = chunks.summary(runner.run("purchases", name="p.csv", data=data, plan=runner.Plan()))
    assert (result["taken"], result["members"]) == (2, 1)
    assert len(scope.scalars(select(Member.id)).all()) == 3


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_made_up_contacts_are_the_same_each_time_and_reach_nobody(language: str) -> None:
    numbers = [str(12_000 + n) for n in range(400)]
    people = list(contact_file.contacts(numbers, language=language))
    assert people == list(contact_file.contacts(numbers, language=language))
    emails, phones = [p[2] for p in people if p[2]], [p[3] for p in people if p[3]]
    assert 200 < len(emails) < 380 and 120 < len(phones) < 280
    assert len(set(emails)) == len(emails)
    assert all(email.endswith("@mail.example") and normal_email(email) for email in emails)
    assert all(" 555 01" in phone and normal_phone(phone, country="GB") for phone in phones)
    assert {p[6] for p in people} == {"yes", "no"}
    assert not any(p[6] == "yes" and not p[2] for p in people)


def test_the_made_up_file_is_one_that_the_import_takes(scope: Session) -> None:
    target = io.StringIO()
    assert contact_file.write([str(n) for n in range(700, 760)], target) == 60
    result = bring(target.getvalue())
    assert (result["taken"], result["rejected"], result["members"]) == (60, 0, 60)
