/** Everything the pages of the hall say, in both languages. Keys name the place and the meaning. */

const ZH = {
  "hall": "政务服务大厅",
  "connecting": "正在连接，请稍候",
  "stale": "信息更新于 {time}",
  "stale.day": "信息更新于 {date} {time}",
  "board.unknown": "没有名为 {name} 的屏幕，请在设备管理里核对位置",
  "now.calling": "正在叫号",
  "no.calls": "暂时没有叫号",
  "queues": "排队情况",
  "waiting": "等候",
  "people": "{n} 人",
  "next": "下面是",
  "no.queues": "这里没有排队的业务",
  "none.next": "无人等候",
  "window": "窗口",
  "window.of": "{n} 号窗口",
  "window.no": "号窗口",
  "quiet": "安静时段，不播报：请看屏幕",
  "leader.is": "值班领导 {name}",
  "leader.none": "今天尚未登记值班领导",
  "leader.phone": "电话 {phone}",
  "shows.notices": "公告",
  "shows.leader": "今日值班领导",
  "shows.staff": "窗口人员",
  "display.choose": "请在网页上为此屏选择布局",
  "staff.serving": "服务中",
  "staff.paused": "暂停服务",
  "staff.closed": "未开放",
  "staff.none": "—",
  "go": "请到",
  "page": "第 {n} 页，共 {of} 页",
  "notice": "叫到号请到对应窗口；过号请到导办台",

  "state.called": "请到窗口",
  "state.serving": "办理中",
  "state.paused": "暂停服务",
  "state.idle": "服务中",
  "state.closed": "未开放",
  "state.offline": "暂停服务",
  "paused.until": "预计 {time} 恢复",
  "idle.note": "请等候叫号",
  "closed.note": "请到其他窗口办理",
  "staff": "工号 {number}",
  "waiting.here": "等候 {n} 人",

  "home.ask": "请点您要办的事",
  "home.hint": "取号免费，不用身份证和手机",
  "home.none": "现在没有可以取号的业务",
  "home.none.do": "请看开放时间，或到导办台问一问",
  "search": "搜索：想办什么事？",
  "search.hint": "文字或拼音首字母，如 sbk",
  "search.none": "没有找到，请换个说法，或到导办台问一问",
  "search.start": "点字母，或打字",
  "search.delete": "删除",
  "search.clear": "清空",
  "search.results": "找到 {n} 项",
  "card.windows": "{n} 个窗口办理",
  "card.waiting": "等 {n} 人",
  "wait.none": "即到即办",
  "wait.soon": "马上轮到",
  "wait.one": "约 {max} 分钟",
  "wait.range": "约 {min}–{max} 分钟",
  "wait.under": "{max} 分钟以内",
  "wait.over": "{min} 分钟以上",
  "wait.rough": "{wait}（粗略估计）",
  "wait.unknown": "时间暂时估不出",
  "closed.queue": "现在不能取号",
  "no.window": "暂无窗口办理",
  "previous": "上一页",
  "following": "下一页",

  "guide.bring": "请带好",
  "guide.at_once": "当场办结",
  "guide.days": "{n} 个工作日办结",
  "guide.sample": "样例，不是真实指南",
  "matter.here": "这里可以办",
  "matter.ahead": "前面等候",
  "matter.wait": "预计等候",
  "matter.windows": "办理窗口",
  "matter.where": "等候地点",
  "windows": "{n} 个",
  "take": "取号",
  "taking": "正在取号…",
  "taking.retry": "线路不通，正在重试，请不要再按",
  "back": "返回",
  "home": "返回首页",
  "home.in": "{n} 秒后自动返回",

  "taken": "取号成功",
  "taken.number": "您的号码",
  "taken.where": "请到{zone}等候",
  "taken.where.any": "请在大厅等候，留意屏幕和广播",
  "taken.listen": "叫到号时，屏幕显示，广播播报",
  "taken.unknown": "请留意叫号",
  "taken.first": "前面没有人，马上轮到您",
  "taken.ahead": "您前面 {n} 人",
  "slip.out": "请取走下方的小票",
  "slip.none": "小票没有打出来，请记住号码或拍下屏幕；要补小票请到导办台",
  "slip.screen": "请记住号码，或拍下屏幕",
  "qr": "手机扫一扫，随时看还要等多久",
  "follow": "在手机上看进度",
  "done": "好了",

  "refused": "这次没有取到号",
  "refused.do": "请到导办台，导办员会帮您",
  "refused.paper": "请到旁边的取号机，或到导办台取号",
  "refused.closed": "请看开放时间，或换一天来",
  "refused.later": "到时再来取号，或请导办台帮您预约",
  "lost": "现在联系不上取号服务",
  "lost.do": "再试一次不会多出一张号；也可以到导办台取号",
  "again": "再试一次",

  "checkin": "预约签到",
  "checkin.hint": "请输入 8 位预约码或手机号后四位，也可扫描手机上的二维码",
  "checkin.refused": "这次没有签到",
  "checkin.card": "预约时登记了身份证的，把身份证放在读卡区即可",
  "checkin.done": "已签到，到您的时间会优先叫号",
  "progress": "查进度",
  "progress.ask": "排到哪里了？",
  "progress.hint": "请输入小票上的号码，也可扫描小票上的二维码",
  "progress.number": "小票上的号码",
  "progress.letters": "其他字母和短横",
  "progress.go": "查一查",
  "progress.asking": "正在查…",
  "progress.of": "{number} 的进度",
  "progress.unknown": "没有查到",
  "progress.another": "查别的号码",
  "progress.slip": "请用手机扫小票上的二维码办理，或到导办台",
  "progress.lost": "现在查不到进度",
  "progress.lost.do": "请看大屏，或到导办台问一问",
  "help": "找人帮忙",
  "help.title": "需要帮忙吗？",
  "help.text": "请到导办台。导办员会告诉您去哪个窗口、要带什么材料，也可以替您取号。",
  "help.text2": "老年人、残疾人、孕妇可以走绿色通道，请告诉导办员。",
  "large": "大字",
  "contrast": "高对比",
  "low": "低位",
  "read": "朗读",
  "read.stop": "停止朗读",
  "language": "English",
  "tools": "显示和语言",
};

const EN = {
  "hall": "Government Service Hall",
  "connecting": "Connecting, one moment please",
  "stale": "Last updated {time}",
  "stale.day": "Last updated {date} {time}",
  "board.unknown": "There is no screen called {name}: check its position in device management",
  "now.calling": "Now calling",
  "no.calls": "No calls at the moment",
  "queues": "Queues",
  "waiting": "Waiting",
  "people": "{n}",
  "next": "Next",
  "no.queues": "Nothing to queue for here",
  "none.next": "nobody waiting",
  "window": "Window",
  "window.of": "Window {n}",
  "window.no": "Window",
  "quiet": "Quiet time: please watch the screen",
  "leader.is": "Leader on duty: {name}",
  "leader.none": "Nobody is entered as leader on duty today",
  "leader.phone": "Phone {phone}",
  "shows.notices": "Notices",
  "shows.leader": "Leader on duty today",
  "shows.staff": "Who sits where",
  "display.choose": "Choose a layout for this display on the web",
  "staff.serving": "Open",
  "staff.paused": "Paused",
  "staff.closed": "Closed",
  "staff.none": "—",
  "go": "Please go to",
  "page": "Page {n} of {of}",
  "notice": "Go to the window shown; missed your call? Ask at the guide desk",

  "state.called": "Please come to the window",
  "state.serving": "Serving",
  "state.paused": "Paused",
  "state.idle": "Open",
  "state.closed": "Closed",
  "state.offline": "Paused",
  "paused.until": "Back at about {time}",
  "idle.note": "Please wait for your number",
  "closed.note": "Please use another window",
  "staff": "Staff {number}",
  "waiting.here": "{n} waiting",

  "home.ask": "What would you like to do?",
  "home.hint": "Tickets are free; no ID card or phone needed",
  "home.none": "No tickets can be taken now",
  "home.none.do": "See the opening hours, or ask at the guide desk",
  "search": "Search: what is it about?",
  "search.hint": "words or pinyin initials, like sbk",
  "search.none": "Nothing found. Try other words, or ask at the guide desk",
  "search.start": "Tap letters, or type",
  "search.delete": "Delete",
  "search.clear": "Clear",
  "search.results": "{n} found",
  "card.windows": "{n} windows open",
  "card.windows.1": "1 window open",
  "card.waiting": "{n} waiting",
  "wait.none": "No wait",
  "wait.soon": "any moment now",
  "wait.one": "about {max} min",
  "wait.range": "about {min}–{max} min",
  "wait.under": "under {max} min",
  "wait.over": "over {min} min",
  "wait.rough": "{wait} (rough estimate)",
  "wait.unknown": "wait not known",
  "closed.queue": "No tickets now",
  "no.window": "No window open",
  "previous": "Back",
  "following": "More",

  "guide.bring": "Please bring",
  "guide.at_once": "Done at once",
  "guide.days": "Done within {n} working days",
  "guide.sample": "A sample, not a real guide",
  "matter.here": "What you can do here",
  "matter.ahead": "People ahead",
  "matter.wait": "Expected wait",
  "matter.windows": "Windows open",
  "matter.where": "Where to wait",
  "windows": "{n}",
  "take": "Take a ticket",
  "taking": "Getting your ticket…",
  "taking.retry": "The line is down, trying again. Please do not press again",
  "back": "Back",
  "home": "Start page",
  "home.in": "by itself in {n} s",

  "taken": "Here is your ticket",
  "taken.number": "Your number",
  "taken.where": "Please wait in {zone}",
  "taken.where.any": "Please wait in the hall and watch the screens",
  "taken.listen": "Your number is shown on the screens and announced",
  "taken.unknown": "Please watch for your number",
  "taken.first": "Nobody is ahead of you, you are next",
  "taken.ahead": "{n} ahead of you",
  "slip.out": "Please take your slip below",
  "slip.none": "The slip was not printed. Remember the number or take a photo; the guide desk can print it",
  "slip.screen": "Please remember the number, or take a photo",
  "qr": "Scan to see how long it will take",
  "follow": "Follow it on this phone",
  "done": "Done",

  "refused": "No ticket was issued",
  "refused.do": "Please ask at the guide desk",
  "refused.paper": "Please use the next ticket machine, or the guide desk",
  "refused.closed": "See the opening hours, or come another day",
  "refused.later": "Come back then, or let the guide desk book a time for you",
  "lost": "The ticket service cannot be reached",
  "lost.do": "Trying again never makes a second ticket; the guide desk can help too",
  "again": "Try again",

  "checkin": "Check in",
  "checkin.hint": "Enter your eight-digit code or the last four digits of your phone, or scan the code on your phone",
  "checkin.refused": "You are not checked in",
  "checkin.card": "Booked with your identity card? Just lay it on the reader",
  "checkin.done": "You are checked in and will be called early at your time",
  "progress": "My turn?",
  "progress.ask": "When is it my turn?",
  "progress.hint": "Enter the number on your slip, or scan the code on it",
  "progress.number": "Number on your slip",
  "progress.letters": "other letters, and the dash",
  "progress.go": "Look it up",
  "progress.asking": "Looking it up…",
  "progress.of": "Ticket {number}",
  "progress.unknown": "Nothing found",
  "progress.another": "Another number",
  "progress.slip": "To do so, scan the code on your slip with a phone, or ask at the guide desk",
  "progress.lost": "The progress cannot be looked up now",
  "progress.lost.do": "Please watch the screens, or ask at the guide desk",
  "help": "Get help",
  "help.title": "Need help?",
  "help.text": "Please go to the guide desk. They tell you which window to use and what to bring, and can take a ticket for you.",
  "help.text2": "Elderly, disabled and pregnant visitors may use the green channel: please tell the guide.",
  "large": "Large type",
  "contrast": "Contrast",
  "low": "Lower",
  "read": "Read aloud",
  "read.stop": "Stop reading",
  "language": "中文",
  "tools": "Display and language",
};

/** Refusals that have a better next step than the guide desk; by the code of the refusal. */
const REMEDIES = {
  "printer.paper_out": "refused.paper",
  "printer.offline": "refused.paper",
  "day_closed": "refused.closed",
  "issuing_stopped": "refused.closed",
  "quota_reached": "refused.closed",
  "off_duty": "refused.closed",
  "off_duty_until": "refused.later",
  "off_duty_until_day": "refused.closed",
};

/** The text of `key` (of `key.1` for n = 1), with {facts} filled in. An unknown key is shown as it is, so that it is noticed. */
export function say(lang, key, facts = {}) {
  const texts = lang === "en" ? EN : ZH;
  const text = (facts.n === 1 && texts[`${key}.1`]) || (texts[key] ?? key);
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(facts[name] ?? whole));
}

export function remedy(lang, code) {
  return say(lang, REMEDIES[code] ?? "refused.do");
}

const RANGE = /(?<=\d)-(?=\d)/g; // of numbers, as in "windows 1-4"
const UNBROKEN = "-\u2060"; // a hyphen with a word joiner, behind which no line ends

/** The half of a bilingual thing (zh, en, or name_zh, name_en) for this language; the other when it is empty. */
export function name(lang, thing, stem = "") {
  const zh = thing[`${stem}zh`] ?? "";
  const en = thing[`${stem}en`] ?? "";
  return (lang === "en" ? en || zh : zh || en).replace(RANGE, UNBROKEN);
}

/** Why no ticket can be taken in this queue now; "" when one can. now: the hall's time, null while it is not
known. Sessions begin and end by it, also while the controller is away; the board says the rest. */
export function shutReason(line, lang, now = null) {
  const shut = line.shut ?? [];
  const running = now && shut.find((one) => Date.parse(one.start) <= now && now < Date.parse(one.end));
  if (running) return name(lang, running);
  if (line.is_open || (now && shut.some((one) => one.zh === line.why_zh))) return "";
  return name(lang, line, "why_") || say(lang, "closed.queue");
}

/** The one reason why no ticket can be taken in any queue of the board; "" when there is none. */
export function allShut(board, lang, now = null) {
  const reasons = new Set((board?.queues ?? []).map((line) => shutReason(line, lang, now)));
  return reasons.size === 1 ? [...reasons][0] : "";
}

/** The expected wait of a queue in words: a range, and that it is rough while the hall has seen too few such waits. */
export function waitText(lang, line) {
  if (line.windows === 0) return say(lang, "no.window");
  const [min, max] = [line.wait_min, line.wait_max];
  if (line.wait === "any_moment") return say(lang, line.waiting ? "wait.soon" : "wait.none");
  if (line.wait === "longer") return rough(lang, line, say(lang, "wait.over", { min }));
  if (line.wait === "none" || max === null || max === undefined) return say(lang, "wait.unknown");
  if (max === 0) return say(lang, "wait.none");
  if (!min) return rough(lang, line, say(lang, "wait.under", { max }));
  return rough(lang, line, min === max ? say(lang, "wait.one", { max }) : say(lang, "wait.range", { min, max }));
}

function rough(lang, line, wait) {
  return line.is_rough ? say(lang, "wait.rough", { wait }) : wait;
}
