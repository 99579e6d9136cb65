// The page: shows what chat.js knows and hands it what the user does. Text gets in through textContent alone.

import { Chat } from "./chat.js";

const SUGGESTED = ["lobby", "cooking", "music", "travel"];
const GROUP_MS = 5 * 60 * 1000;
const NEAR_END_PX = 90;

const $ = (id) => document.getElementById(id);
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const calendar = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

let chat = null;
let active = null; // the room on show
let atEnd = true; // the log is scrolled to its end, and stays there
let elements = new Map(); // item -> its element in the log

// ---- small makers ------------------------------------------------------------------------------

function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

function hue(name) {
  let sum = 7;
  for (const char of name) sum = (sum * 31 + char.codePointAt(0)) % 360;
  return sum;
}

function firstLetter(name) {
  if (!globalThis.Intl?.Segmenter) return [...name][0] ?? "";
  return new Intl.Segmenter().segment(name)[Symbol.iterator]().next().value?.segment ?? "";
}

function paintAvatar(element, name) {
  element.textContent = firstLetter(name).toUpperCase();
  element.style.setProperty("--hue", hue(name));
  element.classList.toggle("blank", !name);
  return element;
}

function avatar(name) {
  const element = paintAvatar(make("span", "avatar"), name);
  element.setAttribute("aria-hidden", "true");
  return element;
}

function sentence(reason) {
  const text = String(reason).trim();
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}

function roomSlug(text) {
  return text.trim().toLowerCase().replace(/[\s,*#]+/g, "-").replace(/\p{Cc}|^-+|-+$/gu, "").slice(0, 30);
}

// ---- what is remembered ------------------------------------------------------------------------

function tabKey() {
  const key = sessionStorage.getItem("chat.key") ?? crypto.getRandomValues(new Uint32Array(4)).join("-");
  sessionStorage.setItem("chat.key", key);
  return key;
}

function remember() {
  localStorage.setItem("chat.name", chat.name);
  const state = { name: chat.name, rooms: [...chat.rooms.keys()] };
  sessionStorage.setItem("chat.tab", JSON.stringify(state));
}

function rememberedTab() {
  try {
    return JSON.parse(sessionStorage.getItem("chat.tab"));
  } catch {
    return null;
  }
}

const roomInAddress = () => {
  try {
    return roomSlug(decodeURIComponent(location.hash.slice(1))) || "lobby";
  } catch {
    return "lobby";
  }
};

// ---- the log -----------------------------------------------------------------------------------

/** The text with its web addresses as links. */
function linked(text) {
  const parts = text.split(/(https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]])/);
  return parts.map((part, i) => {
    if (i % 2 === 0) return part;
    const link = make("a", "", part);
    Object.assign(link, { href: part, target: "_blank", rel: "noopener noreferrer" });
    return link;
  });
}

function isEmojiOnly(text) {
  const emoji = /^[\p{Extended_Pictographic}\p{Emoji_Modifier}\p{Regional_Indicator}\u200d\ufe0f\s]+$/u;
  return text.length <= 24 && emoji.test(text);
}

function timeOf(item) {
  const time = make("time", "", clock.format(item.time));
  time.dateTime = new Date(item.time).toISOString();
  time.title = `${calendar.format(item.time)}, ${clock.format(item.time)}`;
  return time;
}

function stateMark(item) {
  const marks = { waiting: ["clock", "Waiting to be sent"], sent: ["check", "Sent"], failed: ["warn", "Not sent"] };
  const [name, label] = marks[item.state];
  const mark = make("span", `mark ${item.state}`, icon(name));
  mark.setAttribute("role", "img");
  mark.setAttribute("aria-label", label);
  return mark;
}

function failureLine(room, item) {
  const again = make("button", "link", "Try again");
  again.type = "button";
  again.addEventListener("click", () => room.sendAgain(item));
  return make("p", "failure", `Not sent: ${item.reason ?? "the server refused"}. `, again);
}

function messageElement(room, item, follows) {
  const mine = item.from === chat.name;
  const meta = make("span", "meta", timeOf(item), ...(mine ? [stateMark(item)] : []));
  const text = make("span", "text", ...linked(item.text));
  text.dir = "auto";
  const bubble = make("div", "bubble", text, meta);
  const who = make("p", "who", make("bdi", "", item.from));
  who.style.setProperty("--hue", hue(item.from));
  if (mine) who.className = "sr-only";
  const body = make("div", "body", who, bubble, ...(item.state === "failed" ? [failureLine(room, item)] : []));
  const element = make("article", "message", avatar(item.from), body);
  element.classList.toggle("mine", mine);
  element.classList.toggle("follows", follows);
  element.classList.toggle("big", isEmojiOnly(item.text));
  element.dataset.state = item.state;
  return element;
}

function itemElement(room, item, before) {
  if (item.kind === "note") return make("p", "note", make("bdi", "", item.text), " ", timeOf(item));
  const follows = before?.kind === "message" && before.from === item.from && item.time - before.time < GROUP_MS
    && isSameDay(before.time, item.time) && room.firstUnread !== item;
  return messageElement(room, item, follows);
}

const isSameDay = (a, b) => new Date(a).toDateString() === new Date(b).toDateString();

function dayName(time) {
  if (isSameDay(time, Date.now())) return "Today";
  return isSameDay(time, Date.now() - 24 * 3600 * 1000) ? "Yesterday" : calendar.format(time);
}

function isAtEnd() {
  const log = $("log");
  return log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_END_PX;
}

function scrollToEnd() {
  $("log").scrollTop = $("log").scrollHeight;
  atEnd = true;
  $("to-end").hidden = true;
}

function appendItem(room, item, before) {
  $("log").querySelector(".quiet-room")?.remove();
  const isNewDay = !before || !isSameDay(before.time, item.time);
  if (isNewDay) $("log").append(make("p", "day", make("span", "", dayName(item.time))));
  if (room.firstUnread === item) $("log").append(make("p", "fresh-line", make("span", "", "New")));
  const element = itemElement(room, item, before);
  elements.set(item, element);
  $("log").append(element);
  return element;
}

function showLog(room) {
  elements = new Map();
  $("log").replaceChildren();
  room.items.forEach((item, i) => appendItem(room, item, room.items[i - 1]));
  if (room.items.length === 0) $("log").append(quietRoom(room));
  scrollToEnd();
}

function quietRoom(room) {
  const faces = make("div", "quiet-mark", "#");
  return make("div", "quiet-room", faces, make("h2", "", "It is quiet in here"),
    make("p", "", `Say the first word in #${room.name}, or open this page in a second window and talk to yourself.`));
}

// ---- lists and headings ------------------------------------------------------------------------

function roomButton(name) {
  const room = chat.rooms.get(name);
  const label = make("span", "room-label", name);
  const button = make("button", "row", make("span", "hash", "#"), label);
  button.type = "button";
  button.dataset.room = name;
  button.classList.toggle("unread", !!room?.unread);
  if (room && room === active) button.setAttribute("aria-current", "true");
  if (room?.unread) {
    const badge = make("span", "badge", room.unread > 99 ? "99+" : String(room.unread));
    badge.setAttribute("aria-label", `${room.unread} unread`);
    button.append(badge);
  }
  button.addEventListener("click", () => goTo(name));
  return make("li", "", button);
}

function showRooms() {
  const others = SUGGESTED.filter((name) => !chat.rooms.has(name));
  $("rooms").replaceChildren(...[...chat.rooms.keys()].map(roomButton));
  $("more-rooms").replaceChildren(...others.map(roomButton));
  $("more-rooms-box").hidden = others.length === 0;
  const unread = [...chat.rooms.values()].reduce((sum, room) => sum + room.unread, 0);
  $("unread-elsewhere").hidden = unread === (active?.unread ?? 0);
  document.title = `${unread ? `(${unread}) ` : ""}#${active?.name ?? "lobby"} · chain chat`;
}

function personRow(name) {
  const label = make("bdi", "person-name", name);
  const row = make("li", "person", avatar(name), make("span", "person-text", label));
  if (name === chat.name) row.lastChild.append(make("span", "you", "you"));
  if (active.typing.has(name)) row.lastChild.append(make("span", "person-typing", "typing…"));
  return row;
}

function peopleInOrder(room) {
  const others = [...room.people].filter((name) => name !== chat.name).sort((a, b) => a.localeCompare(b));
  return room.people.has(chat.name) ? [chat.name, ...others] : others;
}

function showPeople() {
  const people = peopleInOrder(active);
  $("people").replaceChildren(...people.map(personRow));
  $("people-count").textContent = people.length;
  $("room-count").textContent = people.length === 1 ? "Only you are here" : `${people.length} people here`;
  const faces = people.slice(0, 4).map(avatar);
  if (people.length > 4) faces.push(make("span", "avatar more", `+${people.length - 4}`));
  $("faces").replaceChildren(...faces);
  showTyping();
}

function showTyping() {
  const names = [...active.typing.keys()];
  $("typing").replaceChildren();
  if (names.length === 0) return;
  const words = names.length === 1 ? " is typing" : " are typing";
  const who = names.length > 3 ? "Several people" : names.join(", ").replace(/, ([^,]*)$/, " and $1");
  const dots = make("span", "dots", make("i"), make("i"), make("i"));
  dots.setAttribute("aria-hidden", "true");
  $("typing").append(dots, make("bdi", "", who), names.length > 3 ? " are typing" : words);
}

function showRoom(room) {
  active = room;
  $("room-title").replaceChildren(make("span", "hash", "#"), room.name);
  $("text").placeholder = `Message #${room.name}`;
  $("text").value = room.draft ?? "";
  fitText();
  for (const id of ["leave-room", "leave-room-2"]) $(id).hidden = chat.rooms.size < 2;
  if (location.hash !== `#${room.name}`) history.replaceState(null, "", `#${encodeURIComponent(room.name)}`);
  showLog(room);
  showPeople();
  markRead();
}

function markRead() {
  if (!active || document.hidden) return;
  active.unread = 0;
  active.firstUnread = null;
  showRooms();
}

// ---- going about -------------------------------------------------------------------------------

function goTo(name) {
  closePanels();
  $("room-error").textContent = "";
  const room = chat.rooms.get(name);
  if (room?.entered) return showRoom(room);
  (room ?? chat.enter(name)).wanted = true;
}

function leaveRoom() {
  const name = active.name;
  closePanels();
  chat.leave(name);
  showRoom([...chat.rooms.values()].at(-1));
  remember();
}

function showChat() {
  $("welcome").hidden = true;
  $("chat").hidden = false;
  paintAvatar($("me-avatar"), chat.name);
  $("me-name").textContent = chat.name;
  if (matchMedia("(hover: hover)").matches) $("text").focus();
}

function showWelcome(error = "") {
  chat?.close();
  closePanels();
  chat = active = null;
  sessionStorage.removeItem("chat.tab");
  document.title = "chain chat";
  $("chat").hidden = true;
  $("welcome").hidden = false;
  $("enter-room").textContent = `#${roomInAddress()}`;
  showEnterError(error);
  setEntering(false);
  paintAvatar($("enter-avatar"), $("name").value.trim());
  $("name").focus();
}

function showEnterError(text, isName = true) {
  $("enter-error").textContent = text;
  $("name").setAttribute("aria-invalid", text && isName ? "true" : "false");
}

function setEntering(entering) {
  $("enter-button").disabled = entering;
  $("enter-button").textContent = entering ? "Joining…" : "Join the chat";
}

function enter(name, rooms) {
  showEnterError("");
  setEntering(true);
  chat = new Chat(name, tabKey(), listener);
  const wanted = roomInAddress();
  for (const room of new Set([...rooms, wanted])) chat.enter(room).wanted = room === wanted;
}

// ---- what the chat tells -----------------------------------------------------------------------

const listener = {
  entered(room) {
    if (room.wanted || active === null) {
      room.wanted = false;
      showChat();
      showRoom(room);
    } else if (room === active) showPeople();
    showRooms();
    remember();
  },
  refused(room, reason) {
    chat.rooms.delete(room.name);
    if (room.entered || active === null) return showWelcome(sentence(reason));
    $("room-error").textContent = sentence(reason);
    openPanel("rooms-panel");
  },
  added(room, item) {
    const isNews = item.kind === "message" && !item.isHistory && item.from !== chat.name;
    if (isNews && (room !== active || document.hidden)) {
      room.firstUnread ??= item;
      room.unread += 1;
      showRooms();
    }
    if (room === active) showAdded(room, item, isNews);
  },
  changed(room, item) {
    if (room !== active || !elements.has(item)) return;
    const old = elements.get(item);
    const element = messageElement(room, item, old.classList.contains("follows"));
    const wasAtEnd = isAtEnd();
    elements.set(item, element);
    old.replaceWith(element);
    if (wasAtEnd) scrollToEnd();
  },
  reordered(room) {
    if (room === active) showLog(room);
  },
  people(room) {
    if (room === active) showPeople();
  },
  connection(online) {
    document.body.classList.toggle("away", !online);
    $("me-state").textContent = online ? "online" : "reconnecting";
    if (active === null) showEnterError(online ? "" : "The server cannot be reached. Trying again…", false);
    else showBanner(online);
  },
};

function showAdded(room, item, isNews) {
  const wasAtEnd = isAtEnd();
  appendItem(room, item, room.items.at(-2)).classList.add("arrives");
  if (wasAtEnd || item.from === chat.name) return scrollToEnd();
  if (isNews) $("to-end-text").textContent = "New messages";
  $("to-end").hidden = false;
}

function showBanner(online) {
  const banner = $("banner");
  clearTimeout(showBanner.timer);
  if (online && banner.hidden) return;
  banner.hidden = false;
  banner.classList.toggle("back", online);
  $("banner-text").textContent = online
    ? "You are connected again."
    : "Connection lost. Reconnecting…";
  $("banner-more").hidden = online;
  if (online) showBanner.timer = setTimeout(() => (banner.hidden = true), 1600);
}

// ---- panels on narrow screens ------------------------------------------------------------------

function openPanel(id) {
  closePanels();
  $(id).classList.add("open");
  $("veil").hidden = false;
  document.querySelector(`[aria-controls="${id}"]`).setAttribute("aria-expanded", "true");
  setInert();
}

function closePanels() {
  for (const panel of document.querySelectorAll(".panel.open")) panel.classList.remove("open");
  for (const opener of document.querySelectorAll("[aria-expanded]")) opener.setAttribute("aria-expanded", "false");
  $("veil").hidden = true;
  setInert();
}

/** A panel that is off the screen takes no focus. */
function setInert() {
  for (const panel of document.querySelectorAll(".panel")) {
    const isDrawer = getComputedStyle(panel).position === "fixed";
    panel.inert = isDrawer && !panel.classList.contains("open");
  }
}

// ---- what the user does ------------------------------------------------------------------------

function fitText() {
  const text = $("text");
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight}px`;
  $("send").disabled = text.value.trim() === "";
}

function send() {
  const text = $("text").value.trim();
  if (!text || !active) return;
  $("text").value = active.draft = "";
  fitText();
  active.send(text);
  $("text").focus();
}

$("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = $("name").value.trim();
  if (!name) {
    showEnterError("Please tell us your name.");
    return $("name").focus();
  }
  enter(name, []);
});
$("name").addEventListener("input", () => {
  paintAvatar($("enter-avatar"), $("name").value.trim());
  showEnterError("");
});
$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
$("text").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  send();
});
$("text").addEventListener("input", () => {
  fitText();
  active.draft = $("text").value;
  active.typed(active.draft);
});
$("new-room").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = roomSlug($("new-room-name").value);
  $("new-room-name").value = "";
  if (name) goTo(name);
});
$("log").addEventListener("scroll", () => {
  atEnd = isAtEnd();
  if (!atEnd) return;
  $("to-end").hidden = true;
  $("to-end-text").textContent = "Latest messages";
});
$("to-end").addEventListener("click", scrollToEnd);
$("leave-room").addEventListener("click", leaveRoom);
$("leave-room-2").addEventListener("click", leaveRoom);
$("sign-out").addEventListener("click", () => showWelcome());
$("open-rooms").addEventListener("click", () => openPanel("rooms-panel"));
$("open-people").addEventListener("click", () => openPanel("people-panel"));
$("veil").addEventListener("click", closePanels);
for (const button of document.querySelectorAll("[data-close]")) button.addEventListener("click", closePanels);
document.addEventListener("keydown", (event) => event.key === "Escape" && closePanels());
document.addEventListener("visibilitychange", markRead);
addEventListener("hashchange", () => (chat ? goTo(roomInAddress()) : showWelcome()));
addEventListener("resize", setInert);

// An on-screen keyboard that covers the page instead of shrinking it (Safari): end above it.
globalThis.visualViewport?.addEventListener("resize", () => {
  document.documentElement.style.setProperty("--height", `${visualViewport.height}px`);
});
new ResizeObserver(() => atEnd && scrollToEnd()).observe($("log"));

setInert();
$("name").value = rememberedTab()?.name ?? localStorage.getItem("chat.name") ?? "";
const tab = rememberedTab();
if (tab?.name) enter(tab.name, tab.rooms);
else showWelcome();
