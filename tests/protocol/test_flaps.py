"""Hysteresis of faults: at once when it begins, calm before it ends."""

from __future__ import annotations

from firmware.protocol.flaps import Flaps


def test_what_comes_once_is_told_at_once_both_times() -> None:
    flaps: Flaps[str] = Flaps()
    assert flaps.began("paper", 0.0)
    assert flaps.ended("paper", 1.0)
    assert flaps.calm(100.0) == []


def test_what_is_there_already_is_not_told_again() -> None:
    flaps: Flaps[str] = Flaps()
    assert [flaps.began("paper", at_s) for at_s in (0.0, 1.0, 2.0)] == [True, False, False]


def test_f62_a_loose_plug_is_told_as_over_when_it_has_stayed_over() -> None:
    flaps: Flaps[str] = Flaps(times=3, within_s=60.0, calm_s=30.0)
    told = []
    for at_s in range(0, 50, 5):
        told += ["+"] * flaps.began("plug", at_s) + ["-"] * flaps.ended("plug", at_s + 1)
        assert flaps.calm(at_s + 1) == []
    assert told == ["+", "-", "+", "-", "+"]
    assert flaps.calm(75.0) == []
    assert flaps.calm(76.0) == ["plug"]
    assert flaps.calm(77.0) == []
    assert flaps.count("plug") == 10


def test_what_flapped_and_was_calm_is_new_when_it_comes_again() -> None:
    flaps: Flaps[str] = Flaps(times=2, within_s=60.0, calm_s=5.0)
    for at_s in (0.0, 1.0):
        flaps.began("plug", at_s)
        flaps.ended("plug", at_s + 0.5)
    assert flaps.calm(7.0) == ["plug"]
    assert flaps.began("plug", 8.0)


def test_rare_troubles_do_not_flap() -> None:
    flaps: Flaps[str] = Flaps(times=3, within_s=60.0)
    assert all(flaps.began("paper", at) and flaps.ended("paper", at + 1) for at in range(0, 600, 40))


def test_the_end_of_what_began_before_a_restart_is_told() -> None:
    assert Flaps[str]().ended("paper", 0.0)


def test_two_troubles_do_not_disturb_each_other() -> None:
    flaps: Flaps[str] = Flaps(times=2)
    for at_s in (0.0, 1.0):
        flaps.began("plug", at_s)
    assert flaps.began("paper", 1.0)
    assert flaps.ended("paper", 2.0)


def test_a_device_that_is_taken_away_leaves_no_trouble_behind() -> None:
    flaps: Flaps[str] = Flaps(times=1)
    flaps.began("plug", 0.0)
    assert not flaps.ended("plug", 1.0)
    assert flaps.is_flapping("plug")
    flaps.forget("plug")
    assert flaps.began("plug", 2.0)
