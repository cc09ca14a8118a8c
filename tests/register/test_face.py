"""A library's facts, branches and opening hours: nobody overwrites what they did not see."""

from datetime import date, time, timedelta

import pytest

from app.register.face import branch_hours, facts, opening, telling
from app.register.store.transaction import writing
from app.rules.library.face import BranchFacts, ChangedMeanwhile, FaceNotValid, version_of
from app.rules.library.opening import ALWAYS, CLOSED_WEEK, Exceptional, make_span

MULL, ULLENSAKER = "Mull", "2023500"
TODAY = date(2026, 11, 22)
DAY = (make_span(opens=time(10), closes=time(18), staffed=True),)
WEEK = (DAY, *CLOSED_WEEK[1:])


def set_week(clock, since: date, days=WEEK, *, shown: str | None = None, library_id: str = MULL) -> None:
    shown = version_of(tuple(opening.read_hours(library_id=library_id).weeks)) if shown is None else shown
    with writing():
        opening.set_week(library_id=library_id, since=since, days=days, shown=shown, today=TODAY, now=clock())


def add(clock, **about) -> None:
    with writing():
        opening.add_exception(library_id=MULL, about=Exceptional(**about), today=TODAY, now=clock())


def test_facts_change_for_whoever_saw_the_newest():
    before = facts.read_facts(library_id=MULL)
    with writing():
        facts.change_facts(
            library_id=MULL,
            facts=facts.Facts(name=before.name, phone="+46 392 14 000"),
            shown=version_of(before),
        )
    assert facts.read_facts(library_id=MULL).phone == "+46 392 14 000"
    with pytest.raises(ChangedMeanwhile), writing():
        facts.change_facts(library_id=MULL, facts=before, shown=version_of(before))
    assert facts.read_facts(library_id="nowhere") is None


def test_branches_are_those_of_their_library():
    with writing():
        for name in ("Nyhem", "Broholm"):
            facts.add_branch(library_id=MULL, facts=BranchFacts(name=name))
    broholm, nyhem = facts.list_branches(library_id=MULL)
    assert (broholm.facts.name, nyhem.facts.name) == ("Broholm", "Nyhem")
    with pytest.raises(facts.NoSuchBranch), writing():
        facts.remove_branch(library_id=ULLENSAKER, branch_id=nyhem.id)
    with writing():
        facts.change_branch(
            library_id=MULL, branch_id=nyhem.id, facts=BranchFacts(name="Nyhems"), shown=version_of(nyhem.facts)
        )
    with pytest.raises(ChangedMeanwhile), writing():
        facts.change_branch(library_id=MULL, branch_id=nyhem.id, facts=nyhem.facts, shown=version_of(nyhem.facts))
    with pytest.raises(FaceNotValid), writing():
        facts.add_branch(library_id=MULL, facts=BranchFacts(name=""))
    with writing():
        assert facts.remove_branch(library_id=MULL, branch_id=nyhem.id) == "Nyhems"
    assert [known.id for known in facts.list_branches(library_id=MULL)] == [broholm.id]


def test_a_week_is_set_from_today_on_and_replaces_that_of_its_day(clock):
    with pytest.raises(opening.HoursInPast):
        set_week(clock, TODAY - timedelta(days=1))
    with pytest.raises(opening.NeverOpen):
        set_week(clock, TODAY, CLOSED_WEEK)
    shown = version_of(tuple(opening.read_hours(library_id=MULL).weeks))
    set_week(clock, TODAY, shown=shown)
    with pytest.raises(ChangedMeanwhile):
        set_week(clock, TODAY, shown=shown)
    other = (DAY, DAY, *CLOSED_WEEK[2:])
    set_week(clock, TODAY, other)
    set_week(clock, TODAY + timedelta(days=30))
    weeks = {week.since: week.days for week in opening.read_hours(library_id=MULL).weeks if week.since > ALWAYS}
    assert weeks == {TODAY: other, TODAY + timedelta(days=30): WEEK}
    with pytest.raises(opening.HoursInPast), writing():
        opening.withdraw_week(library_id=MULL, since=TODAY, today=TODAY, now=clock())
    with writing():
        opening.withdraw_week(library_id=MULL, since=TODAY + timedelta(days=30), today=TODAY, now=clock())
    assert opening.read_hours(library_id=MULL).weeks[-1].days == other


def test_exceptions_of_a_kind_do_not_overlap(clock):
    christmas, newyear = date(2026, 12, 24), date(2027, 1, 2)
    add(clock, first=christmas, last=newyear, yearly=True)
    for first, last in ((date(2020, 12, 31), date(2020, 12, 31)), (date(2020, 12, 1), date(2020, 12, 24))):
        with pytest.raises(opening.ExceptionsOverlap):
            add(clock, first=first, last=last, yearly=True)
    add(clock, first=christmas, last=christmas, spans=DAY, note="Open this year")
    with pytest.raises(opening.ExceptionsOverlap):
        add(clock, first=christmas, last=newyear)
    for first, last in ((christmas, TODAY), (TODAY - timedelta(days=1), TODAY)):
        with pytest.raises(opening.BadDays):
            add(clock, first=first, last=last)
    one = opening.list_exceptions(library_id=MULL)[0]
    with pytest.raises(opening.NoSuchHours), writing():
        opening.remove_exception(library_id=ULLENSAKER, exception_id=one.id, today=TODAY, now=clock())
    with writing():
        opening.remove_exception(library_id=MULL, exception_id=one.id, today=TODAY, now=clock())
    assert [known.about.note for known in opening.list_exceptions(library_id=MULL)] == ["Open this year"]


def test_the_days_that_an_exception_had_stay(clock):
    add(clock, first=TODAY, last=TODAY + timedelta(days=9))
    (one,) = opening.list_exceptions(library_id=MULL)
    later = TODAY + timedelta(days=3)
    with writing():
        opening.remove_exception(library_id=MULL, exception_id=one.id, today=later, now=clock())
    (left,) = opening.list_exceptions(library_id=MULL)
    assert (left.about.first, left.about.last) == (TODAY, later - timedelta(days=1))
    assert opening.list_exceptions(library_id=MULL, since=later) == []
    with pytest.raises(opening.NoSuchHours), writing():
        opening.remove_exception(library_id=MULL, exception_id=one.id, today=later, now=clock())


def test_what_was_changed_is_told_until_the_librarys_system_has_it(clock):
    assert telling.read_hours_to_tell(library_id=MULL) is None
    assert telling.is_told(library_id=MULL)
    set_week(clock, TODAY)
    first = telling.read_hours_to_tell(library_id=MULL)
    assert [week.since for week in first.weeks] == [TODAY]
    assert telling.list_untold(among=[MULL, ULLENSAKER], told_before=clock()) == [MULL]
    add(clock, first=TODAY, last=TODAY)
    with writing():
        telling.note_told(library_id=MULL, version=first.version, now=clock())
    assert not telling.is_told(library_id=MULL)
    second = telling.read_hours_to_tell(library_id=MULL)
    assert second.version > first.version
    with writing():
        telling.note_told(library_id=MULL, version=second.version, now=clock())
    assert telling.is_told(library_id=MULL)
    assert telling.list_untold(among=[MULL, ULLENSAKER], told_before=clock()) == []
    later = clock.turn(days=2)
    assert telling.list_untold(among=[MULL], told_before=later - timedelta(days=1)) == [MULL]


def test_the_demos_hours_are_those_that_the_libraries_systems_have_already():
    for library_id in (MULL, ULLENSAKER):
        hours = opening.read_hours(library_id=library_id)
        assert [week.since for week in hours.weeks] == [ALWAYS]
        assert telling.is_told(library_id=library_id)
    assert opening.read_zone(library_id=MULL).key == "Europe/Stockholm"
    assert opening.read_hours(library_id="nowhere").zone.key == "Europe/Oslo"


def give_branch(name: str = "Nyhem", *, library_id: str = MULL) -> int:
    with writing():
        return facts.add_branch(library_id=library_id, facts=BranchFacts(name=name))


def branch_version(branch_id: int) -> str:
    return version_of(tuple(opening.read_hours(library_id=MULL, branch_id=branch_id).weeks))


def test_a_branch_has_hours_of_its_own_and_nobody_else_is_told(clock):
    own = opening.read_hours(library_id=MULL)
    branch, other = give_branch(), give_branch("Broholm")
    its = {"library_id": MULL, "branch_id": branch, "today": TODAY, "now": clock()}
    with writing():
        opening.set_week(**its, since=TODAY, days=WEEK, shown=branch_version(branch))
        opening.add_exception(**its, about=Exceptional(first=TODAY, last=TODAY, note="Stocktaking"))
    with pytest.raises(opening.ExceptionsOverlap), writing():
        opening.add_exception(**its, about=Exceptional(first=TODAY, last=TODAY))
    with pytest.raises(ChangedMeanwhile), writing():
        opening.set_week(**its, since=TODAY, days=WEEK, shown=version_of(()))
    assert opening.read_hours(library_id=MULL) == own
    assert telling.read_hours_to_tell(library_id=MULL) is None
    found = opening.read_branch_hours(library_id=MULL)
    assert found == {branch: opening.read_hours(library_id=MULL, branch_id=branch)}
    assert [week.days for week in found[branch].weeks] == [WEEK]
    assert opening.read_hours(library_id=MULL, branch_id=other).weeks == ()
    (known,) = opening.list_exceptions(library_id=MULL, branch_id=branch)
    for wrong in ({"library_id": MULL}, {"library_id": MULL, "branch_id": other}):
        with pytest.raises(opening.NoSuchHours), writing():
            opening.remove_exception(**wrong, exception_id=known.id, today=TODAY, now=clock())
    with writing():
        opening.remove_exception(**its, exception_id=known.id)
    assert opening.list_exceptions(library_id=MULL, branch_id=branch) == []


def test_nobody_sets_the_hours_of_another_librarys_branch(clock):
    branch = give_branch()
    its = {"library_id": ULLENSAKER, "branch_id": branch, "today": TODAY}
    with pytest.raises(facts.NoSuchBranch), writing():
        opening.set_week(**its, since=TODAY, days=WEEK, shown=version_of(()), now=clock())
    with pytest.raises(facts.NoSuchBranch), writing():
        opening.add_exception(**its, about=Exceptional(first=TODAY, last=TODAY), now=clock())
    with pytest.raises(facts.NoSuchBranch), writing():
        opening.withdraw_week(**its | {"today": TODAY - timedelta(days=9)}, since=TODAY, now=clock())
    with pytest.raises(facts.NoSuchBranch), writing():
        branch_hours.copy_hours(**its, shown=version_of(()))
    assert opening.read_branch_hours(library_id=MULL) == {}


def test_a_branch_gets_a_copy_of_the_librarys_hours_in_place_of_its_own(clock):
    branch = give_branch()
    later, days = TODAY + timedelta(days=30), (DAY, DAY, *CLOSED_WEEK[2:])
    set_week(clock, later, days)
    add(clock, first=TODAY, last=TODAY + timedelta(days=2), note="Moving")
    its = {"library_id": MULL, "branch_id": branch, "today": TODAY, "now": clock()}
    with writing():
        opening.set_week(**its, since=TODAY + timedelta(days=3), days=WEEK, shown=branch_version(branch))
        opening.add_exception(**its, about=Exceptional(first=later, last=later, note="Its own"))
    with pytest.raises(ChangedMeanwhile), writing():
        branch_hours.copy_hours(library_id=MULL, branch_id=branch, shown=version_of(()), today=TODAY)
    with writing():
        branch_hours.copy_hours(library_id=MULL, branch_id=branch, shown=branch_version(branch), today=TODAY)
    own, copied = opening.read_hours(library_id=MULL), opening.read_hours(library_id=MULL, branch_id=branch)
    assert [week.since for week in own.weeks] == [ALWAYS, later]
    assert [week.since for week in copied.weeks] == [TODAY, later]
    assert [week.days for week in copied.weeks] == [week.days for week in own.weeks]
    assert copied.exceptions == own.exceptions
    # Each goes its own way from then on.
    add(clock, first=later, last=later)
    assert opening.read_hours(library_id=MULL, branch_id=branch) == copied
    with writing():
        facts.remove_branch(library_id=MULL, branch_id=branch)
    assert opening.read_branch_hours(library_id=MULL) == {}
    assert opening.list_exceptions(library_id=MULL, branch_id=branch) == []


def test_a_branch_that_had_hours_can_have_none_again(clock):
    branch, other = give_branch(), give_branch("Broholm")
    for each in (branch, other):
        its = {"library_id": MULL, "branch_id": each, "today": TODAY, "now": clock()}
        with writing():
            opening.set_week(**its, since=TODAY, days=WEEK, shown=branch_version(each))
            opening.add_exception(**its, about=Exceptional(first=TODAY, last=TODAY))
    its = {"library_id": MULL, "branch_id": branch}
    with pytest.raises(ChangedMeanwhile), writing():
        branch_hours.remove_hours(**its, shown=version_of(()))
    with pytest.raises(facts.NoSuchBranch), writing():
        branch_hours.remove_hours(library_id=ULLENSAKER, branch_id=branch, shown=branch_version(branch))
    with writing():
        branch_hours.remove_hours(**its, shown=branch_version(branch))
    assert list(opening.read_branch_hours(library_id=MULL)) == [other]
    assert opening.list_exceptions(**its) == []
    assert len(opening.list_exceptions(library_id=MULL, branch_id=other)) == 1


def test_many_libraries_hours_are_those_of_each():
    ids = [MULL, ULLENSAKER]
    assert opening.read_hours_of(library_ids=ids) == {each: opening.read_hours(library_id=each) for each in ids}
    assert opening.read_hours_of(library_ids=["nowhere"]) == {}
