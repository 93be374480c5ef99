"""How written announcements are spoken: numbers of tickets digit by digit, letters as letters.

Pure. "A023" becomes 零二三 behind the letter, "3 号窗口" stays a number. 1 is 幺 (yāo) as over a public
address system, or 一 (yī): a setting of the hall (requirements, hardware notes).
"""

from __future__ import annotations

import re

ZH_DIGITS = "零一二三四五六七八九"
EN_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_CODE = re.compile(r"([A-Za-z]{0,4})-?(\d+)(?![A-Za-z])|\b([A-Z]{1,5})\b", re.ASCII)


def spoken_zh(text: str, one: str = "yao") -> str:
    """The Chinese sentence with its numbers and letters spelled for the voice. one: "yao" or "yi"."""
    digits = ZH_DIGITS if one == "yi" else ZH_DIGITS.replace("一", "幺")

    def said(found: re.Match[str]) -> str:
        letters, number, capitals = found.groups()
        if number is None:
            return " ".join(capitals)
        if _is_code(letters, number):
            return " ".join([*letters.upper(), *(digits[int(digit)] for digit in number)])
        return _zh_number(int(number))

    return _tightened(_CODE.sub(said, text))


def spoken_en(text: str) -> str:
    """The English sentence likewise. A comma behind each letter keeps "A" from becoming the article."""

    def said(found: re.Match[str]) -> str:
        letters, number, capitals = found.groups()
        if number is None:
            return "".join(f"{letter}, " for letter in capitals) if len(capitals) > 1 else capitals
        if _is_code(letters, number):
            words = [f"{letter}," for letter in letters.upper()]
            return " ".join([*words, *(EN_DIGITS[int(digit)] for digit in number)])
        return number

    return _CODE.sub(said, text)


def _is_code(letters: str, number: str) -> bool:
    """A number of a ticket or a telephone, not a count: it has a letter, a leading zero or three digits."""
    return bool(letters) or len(number) > 2 or (number.startswith("0") and len(number) > 1)


def _zh_number(number: int) -> str:
    """0 to 99 as spoken: 十二, 二十, 三十五."""
    tens, units = divmod(number, 10)
    if tens == 0:
        return ZH_DIGITS[units]
    return ("" if tens == 1 else ZH_DIGITS[tens]) + "十" + (ZH_DIGITS[units] if units else "")


def _tightened(text: str) -> str:
    """Without spaces between Chinese characters: the voice would pause at them."""
    return re.sub(r"(?<=[\u4e00-\u9fff,。])\s+(?=[\u4e00-\u9fff])", "", text)
