"""The seed brings the same accidents again, and every kind meets everybody it may."""

from __future__ import annotations

from tests.system.chaos.accidents import BROKER, CONTROLLER, WORKER, What, schedule

UNITS = ("node-1", "node-2")


def test_a_seed_gives_the_same_accidents_again():
    assert schedule("7", 50, UNITS, What) == schedule("7", 50, UNITS, list(What))
    assert schedule("7", 50, UNITS, What) != schedule("8", 50, UNITS, What)


def test_accidents_come_in_order_and_within_the_run():
    times = [accident.at for accident in schedule("7", 50, UNITS, What)]
    assert times == sorted(times)
    assert times[0] > 0
    assert times[-1] < 1


def test_every_kind_meets_everybody_it_may():
    met = {(accident.what, accident.victim) for accident in schedule("7", 60, UNITS, What)}
    assert met == {(kind, victim) for kind in What for victim in (*CONTROLLER[kind], *UNITS)}


def test_only_the_kinds_asked_for_happen():
    kinds = {accident.what for accident in schedule("7", 30, UNITS, [What.KILL])}
    assert kinds == {What.KILL}


def test_what_lasts_has_a_length_and_a_clock_is_set_by_something():
    for accident in schedule("7", 60, UNITS, What):
        assert (accident.length_s > 0) == (accident.what in (What.STOP, What.CUT, What.FULL))
        assert (accident.by_s != 0) == (accident.what is What.JUMP)


def test_processes_that_matter_most_are_killed_most():
    victims = [accident.victim for accident in schedule("7", 80, UNITS, [What.KILL])]
    assert victims.count(WORKER) == victims.count(BROKER) == 2 * victims.count("node-1")
