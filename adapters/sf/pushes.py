"""Route pushes in XML and JSON, bare or in a form, and order-state pushes; and the answers to them."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from gateway.contract.carrier import Push, Reply
from gateway.contract.reading import Fields, inside, listed, load_object, load_xml, text


def message(request: Push) -> str:
    """The message of a push: the body, or the field `content` of a form; XML when it begins with <."""
    body = request.body.decode("utf-8-sig", "surrogateescape").strip()
    fields = [] if body[:1] in {"{", "<"} else parse_qsl(body, errors="surrogateescape")
    return dict(fields).get("content", "").strip() if fields else body


def routes(said: str) -> list[dict[str, Any]]:
    """The routes of a message; states of an order are told in the words of a route, once they have a waybill."""
    if said.startswith("<"):
        found = [dict(route.attrib) for route in load_xml(said).iter("WaybillRoute")]
        return listed({"WaybillRoute": found or None}, "WaybillRoute")
    body = load_object(said)
    if "orderState" in body:
        return [_as_route(state) for state in listed(body, "orderState") if text(state, "waybillNo")]
    return listed(inside(body, "Body"), "WaybillRoute")


def reply(said: str, *, yes: bool, status: int) -> Reply:
    """In the format in which the message came."""
    if said.startswith("<"):
        head = "<Head>OK</Head>" if yes else '<Head>ERR</Head><ERROR code="4001">系统异常</ERROR>'
        body = f'<Response service="RoutePushService">{head}</Response>'
        return Reply(status=status, body=body.encode(), content_type="application/xml")
    if '"orderState"' in said:
        return Reply.json({"success": str(yes).lower(), "code": "0" if yes else "1", "msg": ""}, status=status)
    code, words = ("0000", "成功") if yes else ("1000", "系统异常")
    return Reply.json({"return_code": code, "return_msg": words}, status=status)


def _as_route(state: Fields) -> dict[str, Any]:
    said = {"mailno": "waybillNo", "acceptTime": "lastTime", "opCode": "orderStateCode", "remark": "orderStateDesc"}
    return {ours: state.get(theirs) for ours, theirs in said.items()}
