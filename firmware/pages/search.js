/** Finds matters by Chinese words, pinyin initials or English words. */

/** The first character of each initial in pinyin order: how a sorted character finds its letter. */
const FIRST = [
  ["A", "阿"], ["B", "八"], ["C", "嚓"], ["D", "哒"], ["E", "妸"], ["F", "发"], ["G", "旮"], ["H", "哈"],
  ["J", "讥"], ["K", "咔"], ["L", "垃"], ["M", "痳"], ["N", "拏"], ["O", "噢"], ["P", "妑"], ["Q", "七"],
  ["R", "呥"], ["S", "扨"], ["T", "它"], ["W", "穵"], ["X", "夕"], ["Y", "丫"], ["Z", "帀"],
];
const HAN = /\p{Script=Han}/u;
const collator = new Intl.Collator("zh-CN-u-co-pinyin");
const letters = new Map();

function letterOf(character) {
  let letter = "";
  for (const [initial, first] of FIRST) {
    if (collator.compare(first, character) > 0) break;
    letter = initial;
  }
  return letter;
}

/** "社保卡" -> "SBK". Characters of several readings take their usual one; data may give better `keys`. */
export function initials(text) {
  let all = "";
  for (const character of text) {
    if (!HAN.test(character)) {
      if (/[a-z0-9]/i.test(character)) all += character.toUpperCase();
      continue;
    }
    if (!letters.has(character)) letters.set(character, letterOf(character));
    all += letters.get(character);
  }
  return all;
}

const folded = (text) => text.toLowerCase().replace(/[\s、,,。()()/·]/g, "");

/** What can be found: every queue, then every matter of a queue that is there. */
export function index(queues, matters) {
  const byCode = new Map(queues.map((line) => [line.code, line]));
  const entry = (zh, en, queue, keys, item) => ({
    zh,
    en,
    queue,
    item,
    words: folded(`${zh}|${en}`),
    keys: `${keys ?? ""}|${initials(zh)}`.toUpperCase(),
  });
  return [
    ...queues.map((line) => entry(line.zh, line.en, line.code, line.keys, null)),
    ...matters
      .filter((matter) => byCode.has(matter.queue))
      .map((matter) => entry(matter.name, matter.en ?? "", matter.queue, matter.keys, matter.code)),
  ];
}

/** How well an entry fits: lower is better, null not at all. */
function rank(one, words, keys) {
  const at = words ? one.words.indexOf(words) : -1;
  if (at === 0) return 0;
  if (keys && one.keys.split("|").some((key) => key.startsWith(keys))) return 1;
  if (at > 0) return 2;
  if (keys && one.keys.includes(keys)) return 3;
  return null;
}

/** The entries that fit, best first, at most `limit` of them, and how many there are: { found, total }. */
export function find(entries, text, limit) {
  const words = folded(text);
  const keys = /^[a-z0-9]+$/i.test(words) ? words.toUpperCase() : "";
  if (!words) return { found: [], total: 0 };
  const ranked = entries
    .map((one) => ({ one, rank: rank(one, words, keys) }))
    .filter((each) => each.rank !== null)
    .sort((a, b) => a.rank - b.rank || a.one.zh.length - b.one.zh.length);
  return { found: ranked.slice(0, limit).map((each) => each.one), total: ranked.length };
}
