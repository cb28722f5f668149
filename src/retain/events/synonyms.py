"""What others call our tables and columns: names seen in usual exports, in several languages."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from retain.events.schemas import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

TABLES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "customers": frozenset(
            "customer customers client clients users members accounts kunden clientes клиенты".split()
        ),
        "orders": frozenset(
            "order orders sales transactions purchases invoices baskets lines retail cdnow master bestellungen pedidos "
            "commandes заказы продажи 訂單 订单".split()
        ),
        "feedback": frozenset(
            "feedback reviews review survey surveys nps csat ratings comments bewertungen отзывы".split()
        ),
        "tickets": frozenset("tickets ticket incidents cases support issues обращения".split()),
        "ticket_events": frozenset("log history audit".split()),
        "messages": frozenset("messages message mails mail email emails newsletter sms sends".split()),
        "contracts": frozenset("contracts contract subscriptions subscription verträge договоры".split()),
        "treatments": frozenset("treatments treatment experiment experiments".split()),
    }
)
"""Words in a file's name that point to a table."""

WORDS: Mapping[str, Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "kind": {
            "sale": frozenset("sale sales order orders purchase buy sold invoice".split()),
            "return": frozenset("return returns returned refund refunded credit cancel cancelled".split()),
        },
        "arm": {
            "treated": frozenset("treated treatment test target".split()),
            "control": frozenset("control holdout".split()),
        },
    }
)
"""Our columns with fixed values, and the words that sources use for each value."""

ALL_WORDS = frozenset(word for values in WORDS.values() for words in values.values() for word in words)

_COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "customer_id": (
            "customer_id customer customerid cust_id client_id client clientid household_id household user_id user userid "
            "member_id memberid account_id caller_id caller contact_id shopper_id buyer_id person_id kunde kunden_id "
            "kundennummer cliente id_cliente cliente_id client_no id_client клиент id_клиента клиент_id код_клиента "
            "покупатель 客戶編號 客户编号 會員編號 会员编号"
        ).split(),
        "order_id": (
            "order_id order orderid order_no order_number invoice invoiceno invoice_no invoice_id basket_id basket "
            "transaction_id receipt_id receipt bestellnummer bestell_nr pedido id_pedido commande заказ номер_заказа "
            "訂單編號 订单编号"
        ).split(),
        "line_id": "line_id line line_no line_number item_no order_line position".split(),
        "product_id": "product_id product sku stock_code stockcode item_id article article_id artikel товар артикул".split(),
        "category": "category product_category department kategorie categoria категория 類別 类别".split(),
        "quantity": "quantity qty units n_units n_cds n_items items menge cantidad quantité количество 數量 数量".split(),
        "amount": (
            "amount sales_value total total_amount order_total revenue value price_total line_total spend net_amount "
            "gross_amount grand_total betrag umsatz importe montant сумма стоимость 金額 金额"
        ).split(),
        "discount": "discount retail_disc discount_amount rabatt descuento remise скидка 折扣".split(),
        "kind": "kind transaction_type order_type".split(),
        "margin": "margin profit marge маржа".split(),
        "channel": "channel contact_type source_channel kanal canal канал".split(),
        "store_id": "store_id store shop_id branch_id filiale магазин".split(),
        "joined_at": "joined_at created_at signup_date registered_at registration_date join_date since".split(),
        "birth_date": "birth_date birthday birthdate date_of_birth dob geburtsdatum дата_рождения 生日".split(),
        "country": "country land pais pays страна 國家 国家".split(),
        "language": "language lang locale sprache язык 語言 语言".split(),
        "ticket_id": "ticket_id ticket number incident_id case_id issue_id".split(),
        "ordered_at": (
            "ordered_at ts order_date orderdate invoicedate invoice_date transaction_timestamp transaction_date "
            "purchase_date order_time ordered order_timestamp date timestamp datetime created_at bestelldatum datum "
            "fecha date_commande дата дата_заказа 訂單日期 订单日期 日期"
        ).split(),
        "given_at": "given_at review_date submitted_at answered_on date timestamp ts created_at datum fecha дата 日期".split(),
        "opened_at": "opened_at created_at open_date created opened".split(),
        "happened_at": "happened_at sys_updated_at updated_at event_time timestamp ts".split(),
        "sent_at": "sent_at send_date sent sent_on timestamp ts".split(),
        "started_at": "started_at start_date start begin_date valid_from vertragsbeginn дата_начала".split(),
        "ended_at": "ended_at end_date end valid_to cancelled_at canceled_at vertragsende дата_окончания".split(),
        "assigned_at": "assigned_at assignment_date assigned_on".split(),
        "text": "text comment review review_text message body description kommentar текст отзыв комментарий 評論 评论".split(),
        "rating": "rating stars score bewertung оценка 評分 评分".split(),
        "nps": "nps nps_score likelihood_to_recommend".split(),
        "csat": "csat csat_score satisfaction".split(),
        "state": "state status ident_state incident_state".split(),
        "priority": "priority severity".split(),
        "campaign_id": "campaign_id campaign kampagne кампания".split(),
        "action_id": "action_id action offer_id offer".split(),
        "arm": "arm group variant".split(),
        "plan": "plan product_plan tariff tarif тариф".split(),
        "monthly_price": "monthly_price monthly_charges monthly_fee mrr".split(),
        "label": "label churn churned".split(),
    }
)
# In one table a name means something else than in another.
_NEVER: Mapping[tuple[str, str], frozenset[str]] = MappingProxyType(
    {("messages", "opened_at"): frozenset({"created_at", "open_date", "created"})}
)


def words_of(text: str) -> frozenset[str]:
    """The words of a name, however they are joined: ``InvoiceDate`` and ``invoice_date`` have the same."""
    parted = re.sub(r"(?<=[a-zа-я0-9])(?=[A-ZА-Я])", "_", text)
    return frozenset(one for one in re.split(r"[\W_]+", parted.casefold()) if one)


def best_column(table: str, ours: str, kind: Kind, columns: Mapping[str, Kind]) -> str | None:
    """The column that is probably ours: the best known name whose values could be of that kind.

    Args:
        table: of the contract.
        ours: our column.
        kind: what ours holds.
        columns: the file's columns and what they look like.

    >>> best_column("orders", "ordered_at", Kind.TIME, {"InvoiceDate": Kind.TIME, "Note": Kind.TEXT})
    'InvoiceDate'
    """
    plain = {_plain(one): one for one in columns}
    for known in (ours, *_COLUMNS.get(ours, ())):
        theirs = plain.get(_plain(known))
        if theirs is None or known in _NEVER.get((table, ours), frozenset()):
            continue
        if _could_be(kind, columns[theirs]):
            return theirs
    return None


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


def _could_be(kind: Kind, seen: Kind) -> bool:
    if kind in (Kind.TIME, Kind.DATE):
        return seen is Kind.TIME
    if kind in (Kind.MONEY, Kind.NUMBER):
        return seen is Kind.NUMBER
    if kind is Kind.FLAG:
        return seen is not Kind.TIME
    return kind is Kind.KEY or seen is not Kind.TIME
