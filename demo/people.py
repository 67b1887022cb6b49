"""Who works in the demo tenants, and what these are called. Names are made up, addresses end in .example."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

PASSWORD = "perennial-demo"  # noqa: S105  # printed on purpose: a demo has no secrets
OPERATOR = "operator@perennial.example"
MEMBER_EMAIL, MEMBER_NAME = "olivia@harbour.example", "Olivia Hart"
PARTNER_EMAIL = "chen.jing@dongwei.example"


@dataclass(frozen=True)
class Staff:
    """One member of staff with one role."""

    mailbox: str
    name: str
    role: str


HARBOUR: dict[str, Any] = {
    "slug": "harbour",
    "name": "Harbour & Vale",
    "country": "GB",
    "locale": "en_GB",
    "currency": "GBP",
    "zone": "Europe/London",
    "is_demo": True,
    "branding": {"accent": "#0b6e69", "card": "#0d3b45", "card_style": "waves"},
}
YUNQI: dict[str, Any] = {
    "slug": "yunqi",
    "name": "云栖制造",
    "country": "CN",
    "locale": "zh_Hans_CN",
    "currency": "CNY",
    "zone": "Asia/Shanghai",
    "is_demo": True,
    "branding": {"accent": "#b3261e", "card": "#5c1414", "card_style": "rings"},
}
HARBOUR_STAFF = (
    Staff("owner", "Grace Harbour", "owner"),
    Staff("manager", "Daniel Vale", "manager"),
    Staff("marketer", "Priya Shah", "marketer"),
    Staff("cashier", "Tom Ellis", "cashier"),
    Staff("care", "Ruth Osei", "care"),
    Staff("finance", "Colin Marsh", "finance"),
    Staff("analyst", "Mei Tanaka", "analyst"),
)
YUNQI_STAFF = (
    Staff("owner", "沈云", "owner"),
    Staff("channel", "陆远", "channel_manager"),
    Staff("finance", "钱敏", "finance"),
    Staff("analyst", "孙悦", "analyst"),
)


@dataclass(frozen=True)
class Company:
    """A partner with its people (name, address), its margin as the brand notes it, and its own notice."""

    number: str
    name: str
    territory: str
    since: date
    margin: str
    note: str
    people: tuple[tuple[str, str], ...]
    status: str = "active"
    notice: tuple[str, str] | None = None


PARTNERS = (
    Company(
        "YQ-001",
        "东纬商贸有限公司",
        "浙江省、上海市",
        date(2016, 3, 1),
        "27.5",
        "合作最久，回款准时。",
        (("陈静", PARTNER_EMAIL), ("吴磊", "wu.lei@dongwei.example")),
        notice=("贵司十二月促销物料已发出", "共三箱，预计周四送达杭州仓库。收货后请核对清单，如有缺漏请在三日内告知。"),
    ),
    Company(
        "YQ-002",
        "岭南恒信贸易行",
        "广东省",
        date(2019, 9, 15),
        "24.0",
        "正在谈深圳的新门店。",
        (("林嘉欣", "lin.jiaxin@hengxin.example"),),
    ),
    Company(
        "YQ-003",
        "川西建材经销部",
        "四川省、重庆市",
        date(2021, 5, 10),
        "22.0",
        "",
        (("何勇", "he.yong@chuanxi.example"),),
    ),
    Company(
        "YQ-004",
        "北辰家居批发中心",
        "北京市、天津市、河北省",
        date(2014, 1, 1),
        "19.5",
        "合同已于年初结束。",
        (),
        status="ended",
    ),
)
NOTICES = (
    ("春节期间发货安排", "腊月二十六起停止发货，正月初八恢复。请各位伙伴在腊月二十前提交节前订单。"),
    ("新品：云栖保温杯 500 毫升", "新品已列入产品目录，货号 YQ-B500。样品可向区域经理申请。"),
)
PRODUCTS = (
    ("YQ-B350", "云栖保温杯 350 毫升", "杯壶"),
    ("YQ-B500", "云栖保温杯 500 毫升", "杯壶"),
    ("YQ-K120", "不锈钢烧水壶 1.2 升", "杯壶"),
    ("YQ-K180", "不锈钢烧水壶 1.8 升", "杯壶"),
    ("YQ-P24", "铸铁炒锅 24 厘米", "锅具"),
    ("YQ-P28", "铸铁炒锅 28 厘米", "锅具"),
    ("YQ-P32", "铸铁炒锅 32 厘米", "锅具"),
    ("YQ-S20", "复底汤锅 20 厘米", "锅具"),
    ("YQ-C06", "骨瓷餐具 六人套装", "餐具"),
    ("YQ-C12", "骨瓷餐具 十二人套装", "餐具"),
    ("YQ-T01", "竹制砧板 中号", "厨房用品"),
    ("YQ-T02", "竹制砧板 大号", "厨房用品"),
)
