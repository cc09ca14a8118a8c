"""The policy as plain data, for whoever writes the library's rules page: it can say nothing else than is charged."""

from __future__ import annotations

from typing import Any

from circulation.policy.library import WEEKDAYS, Category, InterlibraryRules, MonthDay, Policy


def policy_view(policy: Policy) -> dict[str, Any]:
    """Amounts in the smallest unit of `currency`; days of every year as MM-DD, single dates as YYYY-MM-DD."""
    calendar = policy.calendar
    closed = [*map(_month_day, sorted(calendar.yearly)), *(day.isoformat() for day in sorted(calendar.dates))]
    return {
        "library": policy.library,
        "name": policy.name,
        "example": policy.example,
        "language": policy.language,
        "currency": policy.currency,
        "time_zone": policy.zone.key,
        "categories": [_category(category) for category in policy.categories.values()],
        "overdue": {"grace_days": policy.grace_days, "charge_closed_days": policy.charge_closed_days},
        "renewals": {"max": policy.max_renewals},
        "holds": {"max_open": policy.max_holds, "fetch_days": policy.hold_fetch_days},
        "blocks": {"debt_above": policy.debt_above},
        "claims": [
            {"level": c.level, "after_days": c.after_days, "fee": c.fee, "invoice": c.invoice} for c in policy.claims
        ],
        "reminders": {"days_before_due": list(policy.reminder_days)},
        "cards": {"replacement": policy.replacement_card},
        "interlibrary": _interlibrary(policy.interlibrary),
        "retention": {"settled_debts_days": policy.settled_debts_days},
        "self_service": {
            "kinds": list(policy.self_service.kinds),
            "door_hours": [str(hours) for hours in policy.self_service.door_hours],
            "door_min_age": policy.self_service.door_min_age,
            "entries_days": policy.self_service.entries_days,
        },
        "calendar": {
            "closed_weekdays": [WEEKDAYS[number] for number in sorted(calendar.weekdays)],
            "closed_dates": closed,
        },
    }


def _category(category: Category) -> dict[str, Any]:
    return {
        "id": category.id,
        "names": dict(category.names),
        "loan_days": category.loan_days,
        "overdue_per_day": category.overdue_per_day,
        "overdue_max": category.overdue_max,
        "exempt_shelf_prefixes": list(category.exempt_shelf_prefixes),
        "replacement_charge": category.replacement_charge,
    }


def _interlibrary(rules: InterlibraryRules | None) -> dict[str, Any] | None:
    if rules is None:
        return None
    summer = rules.summer
    return {
        "fee": rules.fee,
        "categories": list(rules.categories),
        "refuse_newest_years": rules.refuse_newest_years,
        "refuse_owned": rules.refuse_owned,
        "summer": None
        if summer is None
        else {
            "first": _month_day(summer.first),
            "last": _month_day(summer.last),
            "max_open_requests": summer.max_open_requests,
        },
    }


def _month_day(day: MonthDay) -> str:
    return f"{day[0]:02}-{day[1]:02}"
