"""The columns a file of contacts may have, with the names they bear in English and Chinese exports."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from tenants.imports.mapping import Field

FIELDS = (
    Field(
        "number", _l("Customer number"), "id",
        ("customerid", "customerno", "customernumber", "customer", "memberid", "memberno", "membernumber", "member",
         "cardno", "cardnumber", "number", "id", "clientid", "会员号", "会员编号", "会员卡号", "卡号", "客户号",
         "客户编号", "編號", "會員號", "會員編號", "會員卡號", "卡號", "客戶編號"),
        required=True,
        parts=("customerid", "memberid", "会员号", "會員號", "客户编号"),
    ),
    Field(
        "name", _l("Name"), "text",
        ("name", "fullname", "customername", "membername", "contactname", "姓名", "名字", "会员姓名", "客户姓名",
         "會員姓名", "客戶姓名"),
    ),
    Field("given_name", _l("Given name"), "text", ("givenname", "firstname", "forename", "名")),
    Field("family_name", _l("Family name"), "text", ("familyname", "lastname", "surname", "姓")),
    Field(
        "email", _l("E-mail"), "text",
        ("email", "emailaddress", "mail", "mailaddress", "邮箱", "电子邮件", "电子邮箱", "電郵", "電子郵件", "電子信箱"),
    ),
    Field(
        "phone", _l("Mobile number"), "text",
        ("phone", "mobile", "mobilephone", "mobilenumber", "phonenumber", "telephone", "tel", "cell", "cellphone",
         "手机", "手机号", "手机号码", "电话", "联系电话", "手機", "手機號碼", "行動電話", "電話"),
    ),
    Field(
        "birthday", _l("Birthday"), "moment",
        ("birthday", "dateofbirth", "birthdate", "dob", "born", "生日", "出生日期"),
    ),
    Field(
        "joined", _l("Member since"), "moment",
        ("joined", "joinedat", "joindate", "membersince", "since", "入会日期", "注册日期", "入會日期", "註冊日期"),
    ),
    Field("language", _l("Language"), "text", ("language", "lang", "locale", "语言", "語言")),
    Field(
        "programme_email", _l("Programme news by e-mail (yes or no)"), "flag",
        ("emailconsent", "emailprogramme", "consentemail", "emailoptin", "emailok", "邮件同意", "電郵同意"),
    ),
    Field(
        "marketing_email", _l("Offers by e-mail (yes or no)"), "flag",
        ("emailmarketing", "marketingemail", "newsletter", "emailoffers", "邮件营销", "電郵推廣"),
    ),
    Field(
        "programme_sms", _l("Programme news by SMS (yes or no)"), "flag",
        ("smsconsent", "smsprogramme", "consentsms", "smsoptin", "smsok", "短信同意", "簡訊同意"),
    ),
    Field(
        "marketing_sms", _l("Offers by SMS (yes or no)"), "flag",
        ("smsmarketing", "marketingsms", "smsoffers", "短信营销", "簡訊推廣"),
    ),
)  # fmt: skip
