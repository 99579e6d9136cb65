// The page: it brings the token in a cookie, for a WebSocket of a browser cannot have headers of its own, and an address is no
// place for a secret. It stops when the server refuses the token, and leaves a room that refuses its user.

const element = (id) => document.getElementById(id);
let socket;

/** Only for the moment of connecting, and only sent to the endpoint, from pages of this site. Empty takes it away. */
function setToken(token) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `token=${encodeURIComponent(token)}; Path=/socket; SameSite=Strict; Max-Age=${token ? 30 : 0}${secure}`;
}

function tell(text, refused = false) {
  element("status").textContent = text;
  element("status").classList.toggle("refused", refused);
}

/** Why the server does not let us in, or nothing: a browser does not tell a page how its WebSocket was answered. */
async function refusal() {
  const stop = new AbortController();
  try {
    const answer = await fetch("/socket/sse?sid=probe", { signal: stop.signal });
    return answer.ok ? undefined : (await answer.json()).reason;
  } catch {
    return undefined; // it does not answer at all: chain.js goes on trying
  } finally {
    stop.abort();
  }
}

function enter(token, room) {
  socket?.disconnect();
  const own = (socket = new chain.Socket("/socket", {
    params: () => {
      setToken(token); // before each try to connect
      return {};
    },
  }));
  own.on("open", () => setToken(""));
  own.on("error", async () => {
    const reason = await refusal();
    if (own !== socket) return;
    if (!reason) return tell("The server does not answer. Trying again…");
    own.disconnect();
    setToken("");
    tell(`Not let in: ${reason}.`, true);
  });
  own.connect();
  join(own, room);
}

function join(own, room) {
  const channel = own.channel(`room:${room}`);
  channel.on("said", ({ from, text }) => {
    const line = document.createElement("li");
    line.textContent = `${from}: ${text}`;
    element("log").append(line);
  });
  channel
    .join()
    .on("ok", ({ name }) => {
      tell(`${name}, you are in the room ${room}.`);
      element("talk").hidden = false;
      element("text").focus();
    })
    .on("error", ({ reason }) => {
      channel.leave(); // a refused join would be tried again
      tell(`Not let into the room ${room}: ${reason}.`, true);
    });
  element("talk").onsubmit = (event) => {
    event.preventDefault();
    channel.push("say", element("text").value);
    element("text").value = "";
  };
}

element("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  element("talk").hidden = true;
  element("log").replaceChildren();
  tell("Knocking…");
  enter(element("token").value.trim(), element("room").value);
});
