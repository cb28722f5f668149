"""What others call our tables and columns: names seen in usual exports, in several languages."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from retain.events.schemas import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

TABLES: Mapping[str, str] = MappingProxyType(
    {
        "customers": "customer customers client clients users members accounts kunden clientes клиенты",
        "orders": (
            "order orders sales transactions purchases invoices baskets lines retail cdnow master bestellungen pedidos "
            "commandes заказы продажи 訂單 订单"
        ),
        "feedback": "feedback reviews review survey surveys nps csat ratings comments bewertungen отзывы",
        "tickets": "tickets ticket incidents cases support issues обращения",
        "ticket_events": "log history audit",
        "messages": "messages message mails mail email emails newsletter sms sends",
        "contracts": "contracts contract subscriptions subscription verträge договоры",
        "treatments": "treatments treatment experiment experiments",
    }
)
"""Words in a file's name that point to a table, parted by blanks; so below."""

WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "kind": {
            "sale": "sale sales order orders purchase buy sold invoice",
            "return": "return returns returned refund refunded credit cancel cancelled",
        },
        "arm": {
            "treated": "treated treatment test target",
            "control": "control holdout",
        },
        "label": {
            "yes": "churned left lost attrited exited",
            "no": "stayed kept retained joined existing",
        },
    }
)
"""Our columns with fixed values, and the words that sources use for each value."""

ALL_WORDS = frozenset(
    word for values in WORDS.values() for words in values.values() for word in words.split()
)

_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "customer_id": (
            "customer_id customer customerid cust_id client_id client clientid household_id household user_id user userid "
            "member_id memberid account_id caller_id caller contact_id shopper_id buyer_id person_id kunde kunden_id "
            "kundennummer cliente id_cliente cliente_id client_no id_client клиент id_клиента клиент_id код_клиента "
            "покупатель 客戶編號 客户编号 會員編號 会员编号"
        ),
        "order_id": (
            "order_id order orderid order_no order_number invoice invoiceno invoice_no invoice_id basket_id basket "
            "transaction_id receipt_id receipt bestellnummer bestell_nr pedido id_pedido commande заказ номер_заказа "
            "訂單編號 订单编号"
        ),
        "line_id": "line_id line line_no line_number item_no order_line position",
        "product_id": "product_id product sku stock_code stockcode item_id article article_id artikel товар артикул",
        "category": "category product_category department kategorie categoria категория 類別 类别",
        "quantity": "quantity qty units n_units n_cds n_items items menge cantidad quantité количество 數量 数量",
        "amount": (
            "amount sales_value total total_amount order_total revenue value price_total line_total spend net_amount "
            "gross_amount grand_total betrag umsatz importe montant сумма стоимость 金額 金额"
        ),
        "discount": "discount retail_disc discount_amount rabatt descuento remise скидка 折扣",
        "kind": "kind transaction_type order_type",
        "margin": "margin profit marge маржа",
        "channel": "channel contact_type source_channel kanal canal канал",
        "store_id": "store_id store shop_id branch_id filiale магазин",
        "joined_at": "joined_at created_at signup_date registered_at registration_date join_date since",
        "birth_date": "birth_date birthday birthdate date_of_birth dob geburtsdatum дата_рождения 生日",
        "country": "country land pais pays страна 國家 国家",
        "language": "language lang locale sprache язык 語言 语言",
        "ticket_id": "ticket_id ticket number incident_id case_id issue_id",
        "ordered_at": (
            "ordered_at ts order_date orderdate invoicedate invoice_date transaction_timestamp transaction_date "
            "purchase_date order_time ordered order_timestamp date timestamp datetime created_at bestelldatum datum "
            "fecha date_commande дата дата_заказа 訂單日期 订单日期 日期"
        ),
        "given_at": "given_at review_date submitted_at answered_on date timestamp ts created_at datum fecha дата 日期",
        "opened_at": "opened_at created_at open_date created opened",
        "happened_at": "happened_at sys_updated_at updated_at event_time timestamp ts",
        "sent_at": "sent_at send_date sent sent_on timestamp ts",
        "started_at": (
            "started_at start_date start starts_at started_on begin_date begins_at valid_from contract_start contract_start_date "
            "subscription_start subscription_start_date subscribed_at activated_at activation_date signup_date "
            "vertragsbeginn fecha_inicio date_debut дата_начала 開始日期 开始日期"
        ),
        "ended_at": (
            "ended_at end_date end ends_at ended_on valid_to contract_end contract_end_date subscription_end "
            "subscription_end_date cancelled_at canceled_at cancelled_on cancel_date cancellation_date terminated_at "
            "termination_date vertragsende fecha_fin date_fin дата_окончания 結束日期 结束日期"
        ),
        "term_months": "term_months contract_length_months term laufzeit_monate",
        "assigned_at": "assigned_at assignment_date assigned_on",
        "text": "text comment review review_text message body description kommentar текст отзыв комментарий 評論 评论",
        "rating": "rating stars score bewertung оценка 評分 评分",
        "nps": "nps nps_score likelihood_to_recommend",
        "csat": "csat csat_score satisfaction",
        "state": "state status ident_state incident_state",
        "priority": "priority severity",
        "campaign_id": "campaign_id campaign kampagne кампания",
        "action_id": "action_id action offer_id offer",
        "arm": "arm group variant",
        "plan": "plan product_plan subscription_plan plan_name tariff tarif тариф",
        "monthly_price": "monthly_price monthly_charges monthly_charge monthly_fee monthly_amount mrr",
        "label": "label churn churned churn_label churn_flag is_churn attrition attrition_flag exited",
    }
)
# In one table a name means something else than in another.
_NEVER: Mapping[tuple[str, str], frozenset[str]] = MappingProxyType(
    {("messages", "opened_at"): frozenset({"created_at", "open_date", "created"})}
)


def words_of(text: str) -> frozenset[str]:
    """The words of a name, however they are joined: ``InvoiceDate`` and ``invoice_date`` have the same."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
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
    for known in (ours, *_COLUMNS.get(ours, "").split()):
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
