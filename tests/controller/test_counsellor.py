"""Advice worked out by another process: asked with those who are in the hall, and ended when the hall is."""

from __future__ import annotations

from random import Random

import msgspec

from controller.counsellor import Counsellor, Question, answer, question
from controller.hall.advice import best, measures, recent
from controller.hall.commands import CallNext, Finish, Start
from controller.hall.model import Measure
from tests.halls import Told, after, go, small


def crowded() -> Told:
    """One was served, and fourteen have waited for more than half an hour since."""
    state = go(small("A " * 15, staff="wang@1"), CallNext(1), Start(1), after(minutes=3), Finish(1))
    return go(state, after(minutes=31))


def test_the_process_answers_as_if_it_were_asked_here() -> None:
    state = crowded()
    asked = question(state.hall, state.now, {})
    assert len(msgspec.json.decode(asked, type=Question).hall.tickets) == 14
    chance = Random(int(state.now.timestamp()))
    here = best(state.hall, state.now, measures(state.hall, state.now), chance, recent(state.hall, state.now))
    assert here
    assert msgspec.json.decode(answer(asked), type=list[Measure]) == here
    assert Counsellor().ask(asked) == here


def test_a_closed_hall_asks_nobody() -> None:
    state, counsellor = crowded(), Counsellor()
    counsellor.close()
    assert counsellor.ask(question(state.hall, state.now, {})) == []
