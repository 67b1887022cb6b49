"""Invent contacts for the customer numbers of a file: the same numbers give the same people. Pure.

Addresses end in .example and phone numbers lie in the range kept free for fiction, so that nobody is
ever written to by mistake.
"""

from __future__ import annotations

import csv
import hashlib
import random
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import TextIO

COLUMNS = (
    "CustomerID", "Name", "Email", "Mobile", "Birthday", "Language",
    "EmailConsent", "EmailMarketing", "SmsConsent", "SmsMarketing",
)  # fmt: skip
GIVEN = (
    "Olivia Amelia Isla Ava Ivy Freya Lily Florence Mia Willow Rosie Sophia Grace Evie Alice Hannah Zoe Ruth Eleanor "
    "Noah Muhammad George Oliver Leo Arthur Luca Theodore Jack Henry Archie Oscar Thomas Samuel Daniel Ravi Owen Callum"
).split()
FAMILY = (
    "Smith Jones Taylor Brown Williams Wilson Johnson Davies Patel Robinson Wright Thompson Evans Walker White Roberts "
    "Green Hall Wood Jackson Clarke Khan Hughes Lewis Edwards Turner Hill Cooper Ward Morris Bell Begum Campbell Murphy"
).split()
CHINESE_FAMILY = "王 李 张 刘 陈 杨 黄 赵 吴 周 徐 孙 马 朱 胡 林 郭 何 高 罗".split()
CHINESE_GIVEN = "伟 芳 娜 敏 静 丽 强 磊 军 洋 勇 艳 杰 涛 明 秀英 建国 晓东 梓涵 子轩 雨桐 思远 佳怡 文静".split()
AREA_CODES = "201 202 212 213 305 312 404 415 503 512 602 617 702 713 718 805 808 907".split()
FIRST_BIRTH, LAST_BIRTH = date(1943, 1, 1), date(2007, 12, 31)


def contacts(numbers: Iterable[str], *, language: str = "en") -> Iterator[list[str]]:
    """One row per number: nine in ten have a name, three in four an e-mail, half a phone, most of them consent."""
    for number in numbers:
        seed = hashlib.sha256(f"{language}:{number}".encode()).digest()
        yield _person(number, random.Random(seed), language)  # noqa: S311 (made-up people, no secret)


def _person(number: str, chance: random.Random, language: str) -> list[str]:
    name, mailbox = _name(chance, language)
    slug = "".join(character for character in number.lower() if character.isalnum())
    email = f"{mailbox}.{slug}@mail.example" if chance.random() < 0.75 else ""
    phone = _phone(chance) if chance.random() < 0.5 else ""
    birthday = FIRST_BIRTH + timedelta(days=chance.randrange((LAST_BIRTH - FIRST_BIRTH).days))
    told = birthday.isoformat() if chance.random() < 0.7 else ""
    programme, offers, texts, text_offers = (chance.random() < share for share in (0.8, 0.45, 0.6, 0.25))
    flags = (bool(email) and programme, bool(email) and programme and offers, bool(phone) and texts)
    words = ["yes" if flag else "no" for flag in (*flags, flags[2] and text_offers)]
    shown = name if chance.random() < 0.9 else ""
    return [number, shown, email, phone, told, language, *words]


def _name(chance: random.Random, language: str) -> tuple[str, str]:
    given, family = chance.choice(GIVEN), chance.choice(FAMILY)
    mailbox = f"{given}.{family}".lower()
    if language.startswith("zh"):
        return chance.choice(CHINESE_FAMILY) + chance.choice(CHINESE_GIVEN), mailbox
    return f"{given} {family}", mailbox


def _phone(chance: random.Random) -> str:
    """A number of the North American range 555-0100 to 555-0199, which belongs to nobody but passes every check."""
    return f"+1 {chance.choice(AREA_CODES)} 555 01{chance.randrange(100):02d}"


def write(numbers: Iterable[str], target: TextIO, *, language: str = "en") -> int:
    """Write the contact file as CSV; how many rows."""
    table = csv.writer(target, lineterminator="\n")
    table.writerow(COLUMNS)
    count = 0
    for row in contacts(numbers, language=language):
        table.writerow(row)
        count += 1
    return count
