"""Whether a plugin reads its samples as they say, and has a sample for all it can do."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.contract.carrier import Can, CarrierAdapter
from gateway.contract.suite_expect import judged
from gateway.contract.suite_samples import Problem, Sample, Subject, succeeds, written

_DEED_OF = {Can.SUBSCRIBE: ("subscribe",), Can.BOOK: ("book", "find_booking")} | {
    Can.CANCEL: ("cancel",),
    Can.INTERCEPT: ("intercept",),
}


async def samples(subject: Subject) -> list[Problem]:
    """Every ability has a sample that succeeds, and every sample gives exactly what it says."""
    missing = [Problem("samples", "", f"there is no successful sample for {what}") for what in _unshown(subject)]
    return missing + await judged(subject, "samples")


def _unshown(subject: Subject) -> Iterator[str]:
    plugin = subject.plugin
    if not issubclass(plugin, CarrierAdapter):
        yield from _unshown_by_notifier(subject)
        return
    if Can.POLL in plugin.can and written(plugin, "poll") and not _successful(subject.of("polls")):
        yield "poll (polls/)"
    if Can.WEBHOOK in plugin.can and written(plugin, "receive") and not _successful(subject.of("pushes")):
        yield "receive (pushes/)"
    for can, names in _DEED_OF.items():
        for name in names:
            if can in plugin.can and written(plugin, name) and not _successful(subject.deeds(name)):
                yield f"{name} (deeds/)"
    if written(plugin, "detect") and not _successful(subject.deeds("detect")):
        yield "detect (deeds/)"


def _unshown_by_notifier(subject: Subject) -> Iterator[str]:
    if subject.manifest.get("http", True):
        for name in ("send", "find"):
            if written(subject.plugin, name) and not _successful(subject.deeds(name)):
                yield f"{name} (deeds/)"
    if written(subject.plugin, "receipts") and not _successful(subject.of("receipts")):
        yield "receipts (receipts/)"


def _successful(found: list[Sample]) -> bool:
    return any(sample.error is None for sample in found)


async def hidden_no(subject: Subject) -> list[Problem]:
    """A no inside HTTP 200 is a no; a provider that has none says so in settings.json (`"no_in_200": false`)."""
    shown = any(sample.error and sample.exchanges and _said_in_200(sample) for sample in subject.samples)
    asks = any(sample.exchanges for sample in subject.samples)
    if asks and not shown and subject.manifest.get("no_in_200", True):
        return [Problem("hidden_no", "", "no sample of a no inside 200, and no_in_200 is not false in settings.json")]
    return await judged(subject, "hidden_no")


def _said_in_200(sample: Sample) -> bool:
    return succeeds(sample.exchanges[-1])
