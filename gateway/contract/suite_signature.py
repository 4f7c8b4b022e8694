"""Whether a push can be forged: every place a signature may stand in is bent, and every part of the body."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.contract.carrier import Can, CarrierAdapter, Push
from gateway.contract.errors import BadSignature, ContractError
from gateway.contract.suite_expect import judged
from gateway.contract.suite_payload import Opened, closed, opened
from gateway.contract.suite_play import Played, Script, made, read
from gateway.contract.suite_samples import Problem, Sample, Subject, written
from gateway.contract.suite_static import compared_secrets, optional_secrets

_MOST_FLIPS = 200


async def signature(subject: Subject) -> list[Problem]:
    """A push with a missing, wrong, non-ASCII or foreign signature is BadSignature, and nothing else is raised."""
    found = [*compared_secrets(subject), *await judged(subject, "signature")]
    pushes = subject.of("pushes", "receipts")
    takes = Can.WEBHOOK in subject.plugin.can if issubclass(subject.plugin, CarrierAdapter) else bool(pushes)
    if not takes or not written(subject.plugin, "verify"):
        return found
    for sample in pushes:
        if sample.error is None:
            found += [Problem("signature", sample.title, detail) for detail in _forgeries(subject, sample)]
    return found


def _forgeries(subject: Subject, sample: Sample) -> Iterator[str]:
    push = subject.push(sample)
    if subject.plugin.trusted_path:
        if _taken(subject, dataclasses.replace(push, token=None), push) != "refused":
            yield "a push without a path token is not BadSignature"
        return
    yield from _bent_places(subject, push)
    if subject.manifest.get("body_is_signed", True):
        yield from _bent_bodies(subject, push, subject.settings)
        for name in optional_secrets(subject):
            fewer = {key: value for key, value in subject.settings.items() if key != name}
            yield from (f"without {name}: {forgery}" for forgery in _accepted_flips(subject, push, fewer))


def _bent_places(subject: Subject, push: Push) -> Iterator[str]:
    """Bend every header, query and top-level field; one of them at least must be the signature."""
    guarded = False
    in_body = subject.manifest.get("body_is_signed", True)
    for place, bent in _places(push):
        verdicts = {how: _taken(subject, other, push) for how, other in bent.items()}
        guarded |= set(verdicts.values()) == {"refused"}
        for how, verdict in verdicts.items():
            if verdict not in {"refused", "harmless"} and (in_body or not place.startswith("field")):
                yield f"{place} {how}: {verdict}"
    if not guarded:
        yield "nothing in the push guards it: no header, query or field whose loss or change is BadSignature"


def _places(push: Push) -> Iterator[tuple[str, dict[str, Push]]]:
    for name in push.headers:
        bent = _bends(push.headers, name)
        yield f"header {name}", {how: dataclasses.replace(push, headers=new) for how, new in bent.items()}
    for name in push.query:
        bent = _bends(push.query, name)
        yield f"query {name}", {how: dataclasses.replace(push, query=new) for how, new in bent.items()}
    body = opened(push.body.decode("utf-8", "replace"))
    if isinstance(body, Opened) and isinstance(body.node, dict):
        for name, value in body.node.items():
            if isinstance(value, str) and value:
                nodes = {how: Opened(body.kind, new) for how, new in _bends(body.node, name).items()}
                texts = {how: closed(node).encode("utf-8", "surrogatepass") for how, node in nodes.items()}
                yield f"field {name}", {how: dataclasses.replace(push, body=text) for how, text in texts.items()}


def _bends(values: Mapping[str, Any], name: str) -> dict[str, dict[str, Any]]:
    """A mapping without one of its values, and with it bent."""
    value = values[name]
    others = {
        "empty": "",
        "altered": value[:-2] + ("A" if value[-2:-1] != "A" else "B") + value[-1:] if len(value) > 1 else value + "x",
        "cut": value[: len(value) // 2],
        "not ASCII": value[:-1] + "é签",
        "not text": value[:-1] + "\udcff",
    }
    missing = {key: kept for key, kept in values.items() if key != name}
    return {"missing": missing} | {how: {**values, name: other} for how, other in others.items()}


def _bent_bodies(subject: Subject, push: Push, settings: dict[str, Any]) -> Iterator[str]:
    yield from _accepted_flips(subject, push, settings)
    flips = list(_flips(push))
    if flips and all(_taken(subject, other, push, settings) != "refused" for _, other in flips):
        yield "the body is not signed (if the provider signs none: body_is_signed = false in settings.json)"


def _accepted_flips(subject: Subject, push: Push, settings: dict[str, Any]) -> Iterator[str]:
    """The first forged body that is taken for genuine."""
    for at, other in _flips(push):
        verdict = _taken(subject, other, push, settings)
        if verdict not in {"refused", "harmless"}:
            yield f"body with byte {at} flipped: {verdict}"
            return


def _flips(push: Push) -> Iterator[tuple[int, Push]]:
    step = max(1, len(push.body) // _MOST_FLIPS)
    for at in range(0, len(push.body), step):
        body = bytearray(push.body)
        body[at] ^= 1
        yield at, dataclasses.replace(push, body=bytes(body))


def _taken(subject: Subject, bent: Push, genuine: Push, settings: dict[str, Any] | None = None) -> str:
    """How a bent push was taken: refused, harmless (nothing new is read from it), or what is wrong."""
    plugin = made(subject, Script([]), settings=settings)
    try:
        plugin.verify(bent)
    except BadSignature:
        return "refused"
    except Exception as error:
        return f"{Played(error=error).crash} instead of BadSignature"
    try:
        told = read(made(subject, Script([]), settings=settings), genuine)
        new = [item for item in read(plugin, bent) if item not in told]
    except ContractError:
        return "harmless"
    except Exception:  # reading is judged by the rubbish check
        return "harmless"
    return f"accepted, and read as {new[0]}" if new else "harmless"
