"""Messages for those who answer for them: what failed, what it says, what a gateway tells - and no number."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.clock import real_now
from controller.messaging.desk import Told
from controller.messaging.templates import Event
from controller.store import messages as rows
from controller.store.messages import State, Stored
from tests.web.desk import Browser, Desk, open_desk, words

PAGE = "/m/hall/messages"
NUMBER, MASKED = "13812345678", "138****5678"
TOKEN = "what-the-gateway-sends"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A hall with a gateway that nobody answers at, which may tell us things."""
    token = tmp_path / "in.token"
    token.write_text(TOKEN)
    fields = ("number=from", "text=data.content", "id=msgId", "status=state")
    with open_desk(
        tmp_path,
        sms_carrier="http",
        sms_address="http://127.0.0.1:9",
        sms_in_token_file=token,
        sms_in_fields=fields,
    ) as opened:
        yield opened


def written(desk: Desk) -> Stored:
    with desk.site.store.reading() as c:
        return rows.last(c, "hall", 1)[0]


def test_a_failed_message_is_listed_masked_and_tried_again(desk: Desk, boss: Browser) -> None:
    assert boss.post(f"{PAGE}/test", page=PAGE, number="1381234567").status_code == 400
    assert boss.post(f"{PAGE}/test", page=PAGE, number=NUMBER).status_code == 303
    with desk.site.store.writing() as c:
        rows.settle(c, written(desk).id, State.FAILED, "http_422", real_now())
    shown = words(boss.get(PAGE))
    assert f"失败 测试 短信 {MASKED}" in shown
    assert NUMBER not in boss.get(PAGE).get_data(as_text=True) + boss.get(f"{PAGE}.csv").get_data(
        as_text=True
    )
    assert boss.post(f"{PAGE}/{written(desk).id}/again", page=PAGE).status_code == 303
    assert written(desk).state is State.WAITING
    assert "没有失败的短信" in words(boss.get(PAGE))


@pytest.mark.both_engines
def test_a_text_is_looked_at_before_it_is_kept_and_every_version_stays(desk: Desk, boss: Browser) -> None:
    page = f"{PAGE}/texts/near_turn"
    wrong = boss.post(page, page=page, zh="{nummer}号", en="{number}", do="save")
    assert (wrong.status_code, "没有可填的内容 nummer" in words(wrong)) == (400, True)
    seen = boss.post(page, page=page, zh="{number}号快到了", en="{number} is near", do="preview")
    assert "A023号快到了" in words(seen)
    for zh in ("{number}号快到了", "{number}号马上到"):
        assert boss.post(page, page=page, zh=zh, en="{number} is near", do="save").status_code == 303
    with desk.site.store.reading() as c:
        kept = [(one.version, one.lang) for one in rows.versions(c, "hall", "near_turn")]
    assert kept == [(2, "zh"), (1, "en"), (1, "zh")]
    with desk.site.store.writing() as c:
        told = Told(Event.NEAR_TURN, "k", {"number": "A007"})
        desk.site.messages.desk.record(desk.live.hall, NUMBER, told)(c)
    body = written(desk).body
    assert desk.site.messages.desk.open(body) == "A007号马上到"


@pytest.mark.both_engines
def test_a_gateway_with_its_token_tells_what_became_and_what_was_answered(desk: Desk, boss: Browser) -> None:
    boss.post(f"{PAGE}/test", page=PAGE, number=NUMBER)
    with desk.site.store.writing() as c:
        rows.sent(c, written(desk).id, ["m-1"], 0.05, real_now())
    client, mine = desk.app.test_client(), {"Authorization": f"Bearer {TOKEN}"}
    report = {"msgId": "m-1", "state": "DELIVRD"}
    assert client.post("/sms/report", json=report).status_code == 401
    assert client.post("/sms/report", json={**report, "msgId": "m-2"}, headers=mine).status_code == 404
    assert client.post("/sms/report", json=report, headers=mine).status_code == 200
    assert written(desk).state is State.DELIVERED
    said = {"from": NUMBER, "data": {"content": f"我的电话{NUMBER}，几点下班"}}
    assert client.post("/sms/answer", json=said, headers=mine).status_code == 200
    assert client.post("/sms/answer", data="[", headers=mine).status_code == 400
    shown = words(boss.get(PAGE))
    assert "我的电话****，几点下班" in shown
    assert NUMBER not in shown
