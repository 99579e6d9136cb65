// One room on three nodes. Each message says which node it came from; `scripts/cluster` answers /nodes, to stop and start them.
const at = (id) => document.getElementById(id);
const params = new URLSearchParams(location.search);
const name = params.get("name") ?? `Visitor ${1 + Math.floor(Math.random() * 999)}`;
const transports = { websocket: ["WebSocket"], sse: ["SSE"] };
const cards = new Map(); // by the name of their node
let mine; // the node that serves this page's connection

function element(tag, className, ...children) {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...children);
  return made;
}

function makeCard(node) {
  const state = element("span", "state");
  const beats = element("span", "beats");
  const button = element("button", "switch");
  const card = element("li", "node", element("h2", "", `Node ${node}`), state, beats, button);
  card.dataset.node = node;
  card.style.setProperty("--hue", { a: 205, b: 28, c: 145 }[node]);
  button.type = "button";
  button.onclick = async () => {
    button.disabled = true;
    await fetch(`/nodes/${node}/${card.classList.contains("stopped") ? "start" : "stop"}`, { method: "POST" });
    await look();
    button.disabled = false;
  };
  cards.set(node, { card, state, beats, button });
  at("nodes").append(card);
  return cards.get(node);
}

function showNode({ name: node, running }) {
  const { card, state, button } = cards.get(node) ?? makeCard(node);
  card.classList.toggle("stopped", !running);
  card.classList.toggle("mine", running && node === mine);
  state.textContent = running ? (node === mine ? "runs; you are here" : "runs") : "is stopped";
  button.textContent = running ? "Stop" : "Start";
  button.setAttribute("aria-label", `${running ? "Stop" : "Start"} node ${node}`);
}

async function look() {
  const response = await fetch("/nodes").catch(() => undefined);
  if (!response?.ok) return;
  for (const node of await response.json()) showNode(node);
}

function badge(node) {
  const made = element("span", "badge", `node ${node}`);
  made.style.setProperty("--hue", cards.get(node)?.card.style.getPropertyValue("--hue") || 0);
  return made;
}

function showMessage({ node, from, text }) {
  at("empty").hidden = true;
  at("log").prepend(element("li", "message", badge(node), element("span", "from", from), element("span", "text", text)));
  while (at("log").children.length > 50) at("log").lastChild.remove();
}

function showBeat({ node, number }) {
  const card = cards.get(node);
  if (!card) return;
  card.beats.textContent = `${number} ${number === 1 ? "beat" : "beats"} heard`;
  card.card.getAnimations().forEach((animation) => animation.cancel());
  card.card.animate([{ outlineColor: "hsl(var(--hue) 70% 50%)" }, { outlineColor: "transparent" }], 700);
}

function tell(text) {
  at("status").textContent = text;
}

const tellNode = () => mine && tell(`${name}, you are on node ${mine}`);

const socket = new chain.Socket("/socket", { transport: transports[params.get("transport")] });
socket.on("close", () => tell("Connecting again…"));
socket.on("open", tellNode); // of a session that went on, which joins nothing again
const channel = socket.channel("room:lobby", { name });
channel.on("say", (message) => showMessage(message));
channel.on("beat", (beat) => showBeat(beat));
channel.join().on("ok", ({ node }) => {
  mine = node;
  tellNode();
  look();
}).on("error", ({ reason }) => tell(reason ?? "You cannot come in"));
socket.connect();

at("say").onsubmit = (event) => {
  event.preventDefault();
  const text = at("text").value.trim();
  if (text) channel.push("say", { text });
  at("text").value = "";
};
await look();
setInterval(look, 1000);
