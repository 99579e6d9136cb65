// Who is on this page. With ?client=phoenix it speaks through phoenix.js, otherwise through chain.js: the presences are the same.
const at = (id) => document.getElementById(id);
const page = location.hash.slice(1) || "home";
const wanted = new URLSearchParams(location.search).get("client") === "phoenix" ? "phoenix" : "chain";
const device = matchMedia("(pointer: coarse)").matches ? "phone" : "computer";
const plural = (count, one) => `${count} ${one}${count === 1 ? "" : "s"}`;

/** Each client's way to the same: a channel and its presence, joined. */
const clients = {
  chain: (params, { onOk, onError, onDown }) => {
    const socket = new chain.Socket("/socket");
    socket.connect();
    socket.on("close", onDown);
    const channel = socket.channel(`page:${page}`, params);
    const presence = new chain.Presence(channel);
    channel.join().on("ok", onOk).on("error", onError);
    return { socket, channel, presence };
  },
  phoenix: (params, { onOk, onError, onDown }) => {
    const socket = new Phoenix.Socket("/socket");
    socket.connect();
    socket.onClose(onDown);
    const channel = socket.channel(`page:${page}`, params);
    const presence = new Phoenix.Presence(channel);
    channel.join().receive("ok", onOk).receive("error", onError);
    return { socket, channel, presence };
  },
};

/** phoenix.js is no part of this example; README.md says where it comes from. */
async function load(client) {
  if (client === "chain") return;
  await new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: "/phoenix.js", onload: resolve });
    script.onerror = () => reject(new Error("there is no phoenix.js here: README.md says how to fetch it"));
    document.head.append(script);
  });
}

function element(tag, className, ...children) {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...children);
  return made;
}

function tabsOf(metas) {
  const away = metas.filter((meta) => meta.away).length;
  const devices = [...new Set(metas.map((meta) => meta.device))].join(" and ");
  return `${plural(metas.length, "tab")} on a ${devices}${away > 0 ? `, ${away === metas.length ? "all" : away} in the background` : ""}`;
}

function show(presence, mine) {
  const people = presence.list((name, { metas, hue }) => ({ name, metas, hue }));
  people.sort((a, b) => (a.name === mine ? -1 : b.name === mine ? 1 : a.name.localeCompare(b.name)));
  const items = people.map(({ name, metas, hue }) => {
    const title = element("div", "name", name, ...(name === mine ? [element("span", "you", " (you)")] : []));
    const face = element("div", "face", [...name][0].toUpperCase());
    const item = element("li", "person", face, element("div", "about", title, element("div", "tabs", tabsOf(metas))));
    item.style.setProperty("--hue", hue);
    item.classList.toggle("away", metas.every((meta) => meta.away));
    Object.assign(item.dataset, { name, metas: metas.length });
    return item;
  });
  at("people").replaceChildren(...items);
  at("status").textContent = plural(people.length, "person").replace("persons", "people");
}

function tell(text) {
  const time = element("time", "", new Date().toLocaleTimeString([], { timeStyle: "short" }));
  at("log").prepend(element("li", "", time, text));
  while (at("log").children.length > 30) at("log").lastChild.remove();
}

/** A join and a leave of one tab in one message are a change of it, and no news. */
const isChange = (one, other) => one.metas.some((meta) => other?.metas.some((old) => meta.phx_ref_prev === old.phx_ref || old.phx_ref_prev === meta.phx_ref));

/** Who was in the state is in the next message too, when that was on its way. */
const isKnown = (one, other) => one.metas.every((meta) => other?.metas.some((old) => old.phx_ref === meta.phx_ref));

function listen(presence, mine) {
  presence.onJoin((name, before, joined) => {
    if (isKnown(joined, before) || isChange(joined, before) || (name === mine && !before)) return;
    tell(before?.metas.length ? `${name} opened another tab` : `${name} came`);
  });
  presence.onLeave((name, now, left) => {
    if (isChange(left, now)) return;
    tell(now.metas.length ? `${name} closed a tab` : `${name} left`);
  });
  presence.onSync(() => show(presence, mine));
}

function enter(name) {
  at("enter").hidden = true;
  let refused = false;
  const { socket, channel, presence } = clients[wanted]({ name, device, client: wanted }, {
    onOk: () => (at("leave").hidden = false),
    onDown: () => !refused && (at("status").textContent = "Connecting again…"),
    onError: ({ reason }) => {
      refused = true;
      localStorage.removeItem("name");
      at("status").textContent = reason ?? "You cannot come in";
      at("enter").hidden = false;
      channel.leave();
      socket.disconnect();
    },
  });
  listen(presence, name);
  const report = () => channel.push("away", { away: document.hidden });
  document.addEventListener("visibilitychange", report);
  at("leave").onclick = () => {
    localStorage.removeItem("name");
    location.reload();
  };
}

at("client").textContent = `${wanted}.js`;
at("other").textContent = wanted === "chain" ? "phoenix.js" : "chain.js";
at("other").href = wanted === "chain" ? "?client=phoenix" : "?client=chain";
at("other").target = "_blank";
at("enter").onsubmit = (event) => {
  event.preventDefault();
  const name = at("name").value.trim();
  if (!name) return;
  localStorage.setItem("name", name);
  enter(name);
};

load(wanted).then(() => {
  const name = localStorage.getItem("name");
  if (name) return enter(name);
  at("status").textContent = "Nobody knows you yet";
  at("enter").hidden = false;
  at("name").focus();
}, (error) => (at("status").textContent = error.message));
