"""Every fault a unit or the controller raises: who notices, what it is in one sentence, what to do next.

Both ends read it: `servicehall node doctor` on the unit and the technician's pages say the same. Codes are
kind of device, dot, what. A severity says who notices: a citizen, the technician today (degraded), or the
next service visit (maintenance). A new code belongs here first; a code that is not is shown by its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SEVERITIES = ("citizen", "degraded", "maintenance")  # worst first


@dataclass(frozen=True, slots=True)
class Words:
    """One sentence in the hall's two languages."""

    zh: str
    en: str

    def in_language(self, lang: str) -> str:
        return self.en if lang == "en" else self.zh


@dataclass(frozen=True, slots=True)
class Known:
    """A fault this version knows. what: the cause, as part of a sentence; remedy: the next action."""

    severity: str
    what: Words
    remedy: Words


UNKNOWN = Words(
    "看证据一栏；断电十秒后重新上电。",
    "Read the evidence; switch the device off for ten seconds and on again.",
)


def severity(code: str) -> str:
    """Who notices; of a code nobody wrote down: the technician."""
    known = FAULTS.get(code)
    return "degraded" if known is None else known.severity


def words(code: str, lang: str) -> tuple[str, str]:
    """What is wrong and what to do, in `lang`; an unknown code speaks for itself."""
    known = FAULTS.get(code)
    if known is None:
        return code, UNKNOWN.in_language(lang)
    return known.what.in_language(lang), known.remedy.in_language(lang)


FAULTS: Mapping[str, Known] = {
    "printer.paper_out": Known(
        "citizen",
        Words("打印纸用完了", "paper is out"),
        Words("换一卷纸，合上盖子。", "Put in a new roll and close the cover."),
    ),
    "printer.near_end": Known(
        "maintenance",
        Words("纸快用完了", "paper is nearly out"),
        Words("准备一卷新纸。", "Have a new roll ready."),
    ),
    "printer.cover_open": Known(
        "citizen",
        Words("打印机盖子开着", "the cover is open"),
        Words("合上盖子，听到咔嗒声。", "Close the cover until it clicks."),
    ),
    "printer.cutter": Known(
        "citizen",
        Words("切刀卡住了", "the cutter is stuck"),
        Words("打开盖子，取出碎纸，再合上。", "Open the cover, take out scraps of paper, close it."),
    ),
    "printer.head_hot": Known(
        "degraded",
        Words("打印头过热", "the print head is hot"),
        Words("等两分钟让它凉下来。", "Let it cool for two minutes."),
    ),
    "printer.failed": Known(
        "citizen",
        Words("打印失败", "printing failed"),
        Words(
            "断电十秒后重新上电，再试打一张。",
            "Switch it off for ten seconds and on again, then print a test.",
        ),
    ),
    "printer.gone": Known(
        "citizen",
        Words("打印机的线断了", "the printer's cable is off"),
        Words("插好打印机的数据线，看电源灯。", "Plug in its data cable and look at its power light."),
    ),
    "printer.no_answer": Known(
        "citizen",
        Words("打印机不应答", "the printer does not answer"),
        Words("看它的电源，再看波特率设置。", "Look at its power, then at its baud rate."),
    ),
    "printer.blocked": Known(
        "citizen",
        Words("打印机不收数据", "the printer takes no data"),
        Words("看有没有缺纸或卡纸，再重新上电。", "Look for jammed paper, then switch it off and on."),
    ),
    "printer.wrong_device": Known(
        "citizen",
        Words("这根线上不是打印机", "there is another device on this cable"),
        Words("把打印机插回配置中的端口。", "Plug the printer into the port named in its configuration."),
    ),
    "printer.layout": Known(
        "citizen",
        Words("小票排不出来", "slips cannot be laid out"),
        Words("重启单元；仍不行请重新安装软件。", "Restart the unit; if it stays, install it anew."),
    ),
    "input.stuck": Known(
        "degraded",
        Words("按钮卡住了", "a button is stuck"),
        Words("按几下按钮；仍卡住就更换。", "Push it a few times; replace it if it stays stuck."),
    ),
    "input.gone": Known(
        "citizen",
        Words("按钮的线断了", "the buttons cannot be read"),
        Words("检查按钮的接线端子。", "Check the terminals of the buttons."),
    ),
    "keypad.gone": Known(
        "degraded",
        Words("呼叫器的线断了", "the keypads' cable is off"),
        Words("插好呼叫器总线的转换器。", "Plug in the adapter of the keypad line."),
    ),
    "keypad.noise": Known(
        "degraded",
        Words("呼叫器线上有干扰", "noise on the keypad line"),
        Words(
            "检查屏蔽和接地，远离电源线。", "Check shielding and earth, and keep it away from power cables."
        ),
    ),
    "keypad.stuck": Known(
        "degraded",
        Words("呼叫器有键卡住", "a key is stuck"),
        Words(
            "按几下该键；仍卡住就更换。", "Push the key a few times; replace the keypad if it stays stuck."
        ),
    ),
    "led.gone": Known(
        "degraded",
        Words("条屏的线断了", "the LED bars' cable is off"),
        Words("插好条屏总线的转换器。", "Plug in the adapter of the LED line."),
    ),
    "led.no_answer": Known(
        "degraded",
        Words("条屏不应答", "the LED bar does not answer"),
        Words("看条屏的电源和地址拨码。", "Look at its power and its address switches."),
    ),
    "speaker.failed": Known(
        "degraded",
        Words("喇叭没有声音", "the loudspeaker is silent"),
        Words("看功放电源和音频线。", "Look at the amplifier's power and the audio cable."),
    ),
    "screen.failed": Known(
        "degraded",
        Words("大屏的浏览器自己退出了", "the screen's browser ended by itself"),
        Words("看浏览器是否装好；它会自动重新打开。", "See that it is installed; it starts again by itself."),
    ),
    "screen.hung": Known(
        "degraded",
        Words("大屏画面停住了，已重新打开", "the screen's page stood still and was opened anew"),
        Words("反复出现时请重启单元。", "Restart the unit if it happens again and again."),
    ),
    "screen.page": Known(
        "degraded",
        Words("大屏的网页打不开", "the screen's page cannot be had"),
        Words("看网页地址和控制器是否在运行。", "Check the page's address and that the controller runs."),
    ),
    "screen.unplugged": Known(
        "degraded",
        Words("大屏没有接上或没有通电", "no screen hangs on the connector"),
        Words("插好 HDMI 线，打开屏幕电源。", "Plug in its HDMI cable and switch the screen on."),
    ),
    "matrix.gone": Known(
        "degraded",
        Words("点阵屏不能显示", "the dot matrix shows nothing"),
        Words("检查点阵屏的排线；打开 SPI 接口。", "Check its flat cable; switch the SPI bus on."),
    ),
    "lamp.gone": Known(
        "maintenance",
        Words("指示灯不能点亮", "a lamp cannot be lit"),
        Words("检查指示灯的接线端子。", "Check the terminals of the lamp."),
    ),
    "camera.gone": Known(
        "degraded",
        Words("摄像头没有画面", "the camera sends no picture"),
        Words("看摄像头的网线、电源和地址。", "Look at its cable, its power and its address."),
    ),
    "camera.frozen": Known(
        "degraded",
        Words("摄像头画面不动了", "the camera's picture stands still"),
        Words("断电十秒后重新上电。", "Switch it off for ten seconds and on again."),
    ),
    "camera.dark": Known(
        "degraded",
        Words("摄像头一片黑", "the camera sees nothing but dark"),
        Words("看大厅灯光；取下镜头盖。", "Look at the hall's lights; take off the lens cap."),
    ),
    "camera.covered": Known(
        "degraded",
        Words("摄像头被遮住或失焦", "the lens is covered or out of focus"),
        Words("擦净镜头，移开遮挡，重新调焦。", "Clean the lens, remove what hides it, and focus it."),
    ),
    "camera.not_recording": Known(
        "degraded",
        Words("摄像头没有在录像", "the camera is not being recorded"),
        Words("看存储卡的剩余空间和录像目录。", "Look at the room left on the disk and at the folder."),
    ),
    "camera.hung": Known(
        "degraded",
        Words("摄像头程序没有反应，正在重启", "the camera's process hangs and is started again"),
        Words("看摄像头的网络；仍不行请重启单元。", "Look at its network; restart the unit if it stays."),
    ),
    "reader.gone": Known(
        "degraded",
        Words("读卡器或扫码器的线断了", "the reader's cable is off"),
        Words("插好读卡器的数据线。", "Plug in the reader's cable."),
    ),
    "reader.no_answer": Known(
        "degraded",
        Words("身份证读卡器不应答", "the card reader does not answer"),
        Words("看它的电源，再看波特率设置。", "Look at its power, then at its baud rate."),
    ),
    "reader.failed": Known(
        "degraded",
        Words("身份证读卡器自检没有通过", "the card reader's own test failed"),
        Words("断电十秒后重新上电；仍不行请更换。", "Switch it off for ten seconds; replace it if it stays."),
    ),
    "unit.offline": Known(
        "degraded",
        Words("设备离线", "the unit is offline"),
        Words("请检查设备的电源灯和网线。", "Look at its power light and network cable."),
    ),
    "unit.lag": Known(
        "degraded",
        Words("单元的消息没有送到控制器", "the unit's messages do not all arrive"),
        Words(
            "看上面的主题：改正消息服务器里这个单元的权限，或重新登记它。",
            "Look at the topic above: mend this unit's rights at the message broker, or add the unit anew.",
        ),
    ),
    "identity.clone": Known(
        "degraded",
        Words("有两块板子用同一个身份，两块都不采信", "two boards use one identity; neither is heard"),
        Words(
            "请断开其中一块，撤销这个单元，再给留下的板子登记新的单元。",
            "Disconnect one of them, revoke the unit, and add a new unit for the board that stays.",
        ),
    ),
    "identity.set_back": Known(
        "degraded",
        Words("单元的存储被换成了旧的", "the unit's store was set back"),
        Words(
            "不要恢复旧的存储卡；在本页核对它的号票。", "Do not bring back an old card; check its tickets."
        ),
    ),
    "node.store_failed": Known(
        "citizen",
        Words("单元无法写入存储，暂停出号", "the unit cannot store anything, so it gives out no numbers"),
        Words(
            "换一张存储卡；换好之前请用其他取号机。",
            "Replace its memory card; until then send people to another machine.",
        ),
    ),
    "node.store_replaced": Known(
        "degraded",
        Words("单元的存储损坏，已换成新的", "the unit's store was damaged and a new one took its place"),
        Words(
            "到“断线核对”页核对它的号票；尽快更换存储卡。",
            "Check its tickets on the reconciliation page, and replace its memory card soon.",
        ),
    ),
    "node.disk_full": Known(
        "degraded",
        Words(
            "单元的存储快满了，日志和录像已停止",
            "the unit's disk is nearly full: logs and recordings have stopped, tickets go on",
        ),
        Words(
            "清理录像和旧文件，或换一张更大的存储卡。",
            "Delete recordings and old files, or put in a larger card.",
        ),
    ),
    "node.low_power": Known(
        "degraded",
        Words("单元供电不足", "the unit's supply voltage is too low"),
        Words(
            "换成原装电源，换一根更粗更短的电源线。",
            "Use the original power supply and a thicker, shorter cable.",
        ),
    ),
    "node.hot": Known(
        "degraded",
        Words("单元过热，已自动降速", "the unit is too hot and slows itself down"),
        Words("清理风扇和通风口，避免阳光直射。", "Clean its fan and vents, and keep it out of the sun."),
    ),
    "node.clock_wrong": Known(
        "maintenance",
        Words("单元的时钟不对，按控制器的时间运行", "the unit's clock is wrong; it goes by the controller's"),
        Words(
            "看网络对时；没有时钟电池的请加装一个。",
            "Look at its network time, and fit a clock battery if it has none.",
        ),
    ),
    "node.restarts": Known(
        "degraded",
        Words(
            "单元反复重启，已进入最小模式",
            "the unit restarts again and again and now runs without its devices",
        ),
        Words(
            "看日志最后一条错误；撤回最近的配置或更新。",
            "Read the last error in its log; take back the last configuration or update.",
        ),
    ),
    "node.program": Known(
        "degraded",
        Words("单元的程序有一部分多次出错", "a part of the unit's program failed several times"),
        Words(
            "记下证据，重启单元，并报告给软件维护。",
            "Note the evidence, restart the unit, and report it to who maintains the program.",
        ),
    ),
    "node.config": Known(
        "degraded",
        Words(
            "新配置没有通过，仍按原来的运行",
            "a new configuration was refused; the last good one stays in force",
        ),
        Words(
            "看证据一栏，改正配置后重新下发。", "Read the evidence, mend the configuration and send it again."
        ),
    ),
    "test.failed": Known(
        "degraded",
        Words("自检时人工看到不正常", "somebody who tested it saw that it does not work"),
        Words(
            "修好后到设备页再测一次，并确认正常。",
            "Mend it, test it once more on the page of its unit, and say there that it works.",
        ),
    ),
}
