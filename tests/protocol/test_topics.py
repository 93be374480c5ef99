"""The topic tree and who may touch it."""

from __future__ import annotations

import pytest

from firmware.protocol import topics
from firmware.protocol.topics import Origin


@pytest.mark.parametrize("text", ["a", "node-1", "hall", "0" * 32])
def test_an_id_is_of_lower_case_letters_digits_and_hyphens(text):
    assert topics.is_id(text)


@pytest.mark.parametrize(
    "text", ["", "Node", "a.b", "a b", "-a", "a-", "+", "#", "a/b", "大厅", "0" * 33, "a\n"]
)
def test_what_would_change_a_topics_meaning_is_no_id(text):
    assert not topics.is_id(text)


def test_r02_the_unit_of_a_message_is_read_from_its_topic():
    assert topics.origin(topics.up("hall", "node-1", "evt")) == Origin("hall", "node-1", "evt")
    assert topics.origin(topics.up("hall", "node-1", "fault/printer")) == Origin(
        "hall", "node-1", "fault/printer"
    )


@pytest.mark.parametrize(
    "topic",
    ["", "sh/v1/hall/node-1/down/cmd", "sh/v2/hall/node-1/up/evt", "sh/v1/hall/up/evt", "sh/v1/H/n/up/evt"],
)
def test_other_topics_come_from_no_unit(topic):
    assert topics.origin(topic) is None


def test_a_unit_may_say_only_its_own_and_hear_only_what_is_for_it():
    rights = topics.unit_rights("hall", "node-1")
    assert rights.publish == ("sh/v1/hall/node-1/up/#",)
    assert rights.subscribe == ("sh/v1/hall/node-1/down/#", "sh/v1/hall/board/#", "sh/v1/hall/ctl/state")


def test_only_the_controller_may_speak_downward():
    rights = topics.controller_rights()
    assert "sh/v1/+/+/down/#" in rights.publish
    assert rights.subscribe == ("sh/v1/+/+/up/#", "sh/v1/+/ctl/state")
