"""Make synthetic events: about 320 bytes of JSON, as a shop or a school might send them.

{"event_uuid":"5f0c…","event_name":"payment:order:completed","created_at":1763800000250,
 "user_id":48213,"account_id":"acc-0482","platform":"ios","city":"Malmö",…,
 "details":{"amount":49.9,"currency":"SEK","items":2}}
"""

import json
import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from itertools import accumulate
from typing import Any

Event = dict[str, Any]

_ACTIONS = {
    "account": "created verified updated closed signed_in signed_out password:changed "
    "email:changed mfa:enabled plan:upgraded",
    "payment": "order:created order:completed order:cancelled order:refunded card:added "
    "card:removed card:declined invoice:issued invoice:paid payout:sent",
    "cart": "opened emptied abandoned item:added item:removed item:saved coupon:applied "
    "coupon:rejected checkout:started checkout:completed",
    "search": "started refined completed failed result:shown result:opened filter:added "
    "filter:removed suggestion:shown suggestion:taken",
    "page": "viewed left scrolled shared printed link:clicked form:opened form:sent error:shown "
    "banner:closed",
    "lesson": "opened started completed left bookmarked quiz:started quiz:completed quiz:failed "
    "video:played video:paused",
    "message": "drafted sent delivered opened replied forwarded deleted attachment:added "
    "attachment:opened spam:marked",
    "delivery": "planned packed picked_up delayed arrived returned route:changed parcel:scanned "
    "parcel:lost signature:given",
    "device": "registered connected disconnected updated removed battery:low sensor:read "
    "sensor:failed alarm:raised alarm:cleared",
    "support": "ticket:opened ticket:assigned ticket:answered ticket:escalated ticket:closed "
    "chat:started chat:ended rating:given article:viewed call:missed",
}
_CITIES = {
    "de-DE": "Köln",
    "en-GB": "Leeds",
    "es-ES": "León",
    "ja-JP": "東京",
    "pt-BR": "São Paulo",
    "sv-SE": "Malmö",
}
_PLATFORMS = ("android", "ios", "web")
_CURRENCIES = ("EUR", "GBP", "SEK", "USD")
_SCREENS = ("home", "library", "profile", "settings", "checkout")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def event_names(count: int) -> tuple[str, ...]:
    """`count` different names. The domains alternate, so that ten names have all of them."""
    turns = zip(*(_names_of(domain) for domain in _ACTIONS), strict=True)
    names = [name for turn in turns for name in turn]
    return tuple(
        names[i % len(names)] + (f":v{i // len(names) + 1}" if i >= len(names) else "")
        for i in range(count)
    )


def _names_of(domain: str) -> list[str]:
    return [f"{domain}:{action}" for action in _ACTIONS[domain].split()]


# The ways to write one time (milliseconds since 1970). All are parsed to the same `created_at`.
TIME_FORMS: dict[str, Callable[[int], int | float | str]] = {
    "milliseconds": lambda ms: ms,
    "seconds": lambda ms: ms / 1000 if ms % 1000 else ms // 1000,
    "microseconds": lambda ms: ms * 1000,
    "number as text": str,
    "ISO 8601": lambda ms: iso(ms).replace("+00:00", "Z"),
    "ISO 8601 with offset": lambda ms: iso(ms, hours=5.5),
}
_FORMS = tuple(TIME_FORMS)
# Cumulative, in percent. Most producers write milliseconds.
_FORM_SHARES = tuple(accumulate((60, 20, 2, 2, 12, 4)))


def iso(ms: int, hours: float = 0) -> str:
    """1763800000250 -> `2025-11-22T08:26:40.250+00:00`, in a time zone `hours` east of UTC."""
    time = _EPOCH + timedelta(milliseconds=ms)
    zone = timezone(timedelta(hours=hours))
    return time.astimezone(zone).isoformat(timespec="milliseconds")


class EventMaker:
    """Makes valid events, each with its own identity. The same `chance` gives the same events."""

    def __init__(self, names: int, chance: random.Random) -> None:
        self._names = event_names(names)
        # Some names are ten times as frequent as others, as in reality.
        self._shares = tuple(accumulate(1 / (10 + rank) for rank in range(names)))
        self._chance = chance

    def event(self, created_ms: int) -> tuple[Event, int]:
        """An event, and its time. The time is in whole seconds if the event has it in that form."""
        chance = self._chance
        [form] = chance.choices(_FORMS, cum_weights=_FORM_SHARES)
        if form == "seconds":
            created_ms -= created_ms % 1000
        [name] = chance.choices(self._names, cum_weights=self._shares)
        user = chance.randrange(1, 100_000)
        locale = chance.choice(tuple(_CITIES))
        event = {
            "event_uuid": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
            "event_name": name,
            "created_at": TIME_FORMS[form](created_ms),
            "user_id": user,
            "account_id": f"acc-{user // 100:04}",
            "platform": chance.choice(_PLATFORMS),
            "app_version": f"5.{chance.randrange(20)}.{chance.randrange(10)}",
            "locale": locale,
            "city": _CITIES[locale],
            "session": {"id": f"{chance.getrandbits(64):016x}", "sequence": chance.randrange(200)},
            "details": self._details(name),
        }
        return event, created_ms

    def _details(self, name: str) -> Event:
        chance = self._chance
        if name.startswith(("payment:", "cart:")):
            return {
                "amount": chance.randrange(100, 50_000) / 100,
                "currency": chance.choice(_CURRENCIES),
                "items": chance.randrange(1, 9),
            }
        return {"screen": chance.choice(_SCREENS), "duration_ms": chance.randrange(20, 60_000)}


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def encode(event: object) -> bytes:
    """JSON as producers send it: compact, UTF-8."""
    return _ENCODER.encode(event).encode()
