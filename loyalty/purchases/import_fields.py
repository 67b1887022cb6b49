"""The columns a file of purchases may have, with the names they bear in English and Chinese exports."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from tenants.imports.mapping import Field

FIELDS = (
    Field(
        "document", _l("Document number"), "id",
        ("invoiceno", "invoicenumber", "invoice", "invoiceid", "orderno", "ordernumber", "orderid", "order",
         "receiptno", "receiptnumber", "receipt", "receiptid", "documentno", "documentnumber", "document", "billno",
         "transactionid", "transactionno", "transaction", "ticketno", "voucherno",
         "订单号", "订单编号", "单号", "小票号", "单据号", "单据编号", "交易号", "流水号", "发票号",
         "訂單號", "訂單編號", "單號", "單據號", "交易編號", "發票號碼", "收據編號"),
        parts=("invoiceno", "orderno", "orderid", "ordernumber", "receiptno", "订单号", "单号", "單號"),
    ),
    Field(
        "member", _l("Customer number"), "id",
        ("customerid", "customerno", "customernumber", "customer", "memberid", "memberno", "membernumber", "member",
         "cardno", "cardnumber", "clientid", "clientno", "accountno", "userid", "custid", "custno",
         "会员号", "会员编号", "会员卡号", "卡号", "客户号", "客户编号", "顾客编号", "会员", "客户",
         "會員號", "會員編號", "會員卡號", "卡號", "客戶編號", "客戶號", "顧客編號", "會員", "客戶"),
        parts=("customerid", "memberid", "customerno", "memberno", "会员", "客户", "會員", "客戶"),
    ),
    Field(
        "at", _l("Date"), "moment",
        ("invoicedate", "orderdate", "purchasedate", "transactiondate", "saledate", "salesdate", "receiptdate",
         "datetime", "date", "timestamp", "purchasedat", "orderedat", "createdat", "occurredat", "day",
         "下单时间", "订单日期", "交易日期", "交易时间", "购买日期", "销售日期", "消费时间", "日期", "时间",
         "下單時間", "訂單日期", "交易時間", "購買日期", "銷售日期", "消費時間", "時間"),
        required=True,
        parts=("date", "日期", "时间", "時間"),
    ),
    Field(
        "sku", _l("Product code (SKU)"), "id",
        ("stockcode", "sku", "productcode", "itemcode", "itemno", "itemnumber", "productid", "productno", "articleno",
         "article", "barcode", "ean", "upc", "plu",
         "商品编码", "商品编号", "货号", "商品代码", "商品条码", "条码", "产品编号",
         "商品編號", "商品編碼", "貨號", "商品條碼", "條碼", "產品編號"),
        parts=("stockcode", "productcode", "itemcode", "商品编", "货号", "商品編", "貨號"),
    ),
    Field(
        "description", _l("Product name"), "text",
        ("description", "productname", "itemname", "product", "item", "name", "title", "productdescription",
         "商品名称", "商品名", "品名", "商品", "产品名称", "产品", "商品名稱", "產品名稱", "產品"),
        parts=("description", "productname", "商品名", "品名"),
    ),
    Field(
        "category", _l("Category"), "text",
        ("category", "productcategory", "department", "productgroup", "class",
         "分类", "类别", "商品分类", "品类", "部门", "分類", "類別", "商品分類", "品類", "部門"),
    ),
    Field(
        "quantity", _l("Quantity"), "number",
        ("quantity", "qty", "units", "pieces", "count", "number", "numberofitems",
         "数量", "件数", "购买数量", "销量", "數量", "件數", "購買數量", "銷量"),
        parts=("quantity", "numberof", "数量", "數量"),
    ),
    Field(
        "price", _l("Unit price"), "number",
        ("unitprice", "price", "priceperunit", "itemprice", "sellingprice", "priceeach",
         "单价", "价格", "售价", "單價", "價格", "售價"),
        parts=("unitprice", "单价", "單價"),
    ),
    Field(
        "amount", _l("Line total"), "money",
        ("amount", "linetotal", "lineamount", "total", "totalprice", "value", "sales", "revenue", "dollarvalue",
         "dollars", "spend", "paid", "金额", "小计", "实付", "实付金额", "销售额", "总价", "合计",
         "金額", "小計", "實付", "實付金額", "銷售額", "總價", "合計"),
        parts=("amount", "linetotal", "dollar", "金额", "金額"),
    ),
    Field(
        "currency", _l("Currency"), "text", ("currency", "currencycode", "币种", "货币", "幣別", "貨幣"),
    ),
    Field(
        "place", _l("Store"), "text",
        ("store", "storename", "shop", "shopname", "branch", "location", "outlet", "storeid",
         "门店", "店铺", "门店名称", "店名", "門店", "店鋪", "門市"),
    ),
)  # fmt: skip
