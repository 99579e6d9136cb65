// The chat without its looks: rooms, people and messages, spoken with the server through chain.js.

const KEEP_ITEMS = 500;
const TYPING_AGAIN_MS = 3000;
const TYPING_ENDS_MS = 4000;
const TYPING_FORGOTTEN_MS = 7000;
const ALL_BACK_MS = 15000;

const newId = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(36)).join("");

/**
 * One room: who is there, what was said, and what is still to be sent. It tells its `listener`
 * entered(room), refused(room, reason), added(room, item), changed(room, item), reordered(room) and people(room).
 */
export class Room {
  constructor(chat, name, listener) {
    Object.assign(this, { chat, name, listener });
    this.items = []; // in the order of the log: {kind: "message" | "note", ...}
    this.people = new Set();
    this.missed = new Set(); // who was there when the connection broke
    this.typing = new Map(); // name -> timer that forgets it
    this.unconfirmed = new Map(); // id -> own message that the server has not sent back yet
    this.seen = new Set(); // ids of confirmed messages
    this.unread = 0;
    this.firstUnread = null;
    this.entered = false;
    this.channel = this.#open();
  }

  send(text) {
    const own = { id: newId(), from: this.chat.name, text, time: Date.now() };
    const item = { ...own, kind: "message", state: "waiting", attempt: 0 };
    this.unconfirmed.set(item.id, item);
    this.#add(item);
    this.#stopTyping();
    if (this.channel.isJoined()) this.#push(item);
  }

  sendAgain(item) {
    item.state = "waiting";
    this.listener.changed(this, item);
    if (this.channel.isJoined()) this.#push(item);
  }

  /** To be called at each change of the text being written. */
  typed(text) {
    clearTimeout(this.typingEnd);
    if (!text.trim()) return this.#stopTyping();
    this.typingEnd = setTimeout(() => this.#stopTyping(), TYPING_ENDS_MS);
    if (Date.now() - (this.typingTold ?? 0) < TYPING_AGAIN_MS || !this.channel.isJoined()) return;
    this.typingTold = Date.now();
    this.channel.push("typing", { on: true });
  }

  leave() {
    clearTimeout(this.typingEnd);
    for (const timer of this.typing.values()) clearTimeout(timer);
    this.channel.leave();
  }

  /** The connection is gone: who typed is not known any more, and who comes back soon is no news. */
  offline() {
    for (const name of [...this.typing.keys()]) this.#typing(name, false);
    for (const name of this.people) this.missed.add(name);
  }

  #open() {
    const { name, key, socket } = this.chat;
    const channel = socket.channel(`chat:${this.name}`, { name, key });
    channel.on("message", (message) => this.#message(message));
    channel.on("typing", ({ name, on }) => this.#typing(name, on));
    channel.on("joined", ({ name }) => this.#came(name));
    channel.on("left", ({ name }) => this.#went(name));
    return channel;
  }

  /** Asks to be let in; after a lost connection chain.js asks again by itself, and "ok" comes again. */
  enter() {
    this.channel
      .join()
      .on("ok", (answer) => this.#enter(answer))
      .on("error", (answer) => this.#refused(answer));
  }

  #enter({ people, history }) {
    this.people = new Set(people);
    this.enteredAt = Date.now();
    for (const message of history) this.#message(message, true);
    for (const item of this.unconfirmed.values()) if (item.state === "waiting") this.#push(item);
    this.typingTold = 0;
    this.entered = true;
    this.listener.entered(this);
  }

  #refused(answer) {
    if (answer?.retry_after_ms) return; // not for good: chain.js tries again
    this.leave();
    this.listener.refused(this, answer?.reason ?? "the server refused");
  }

  #push(item) {
    const attempt = ++item.attempt;
    const failed = (reason) => {
      if (attempt !== item.attempt || !this.unconfirmed.has(item.id)) return;
      Object.assign(item, { state: "failed", reason });
      this.listener.changed(this, item);
    };
    this.channel
      .push("message", { id: item.id, text: item.text })
      .on("error", (answer) => failed(answer?.reason))
      .on("timeout", () => failed("the server did not answer"));
  }

  #message(message, isHistory = false) {
    if (this.seen.has(message.id)) return;
    this.seen.add(message.id);
    this.#typing(message.from, false);
    const own = this.unconfirmed.get(message.id);
    const time = message.time * 1000;
    if (own) return this.#confirm(own, time);
    this.#add({ ...message, kind: "message", state: "sent", time, isHistory: isHistory && !this.entered });
  }

  #confirm(item, time) {
    this.unconfirmed.delete(item.id);
    Object.assign(item, { time, state: "sent" });
    if (this.items.at(-1) === item) return this.listener.changed(this, item);
    this.items.splice(this.items.indexOf(item), 1);
    this.items.push(item);
    this.listener.reordered(this);
  }

  #typing(name, on) {
    if (!on && !this.typing.has(name)) return;
    clearTimeout(this.typing.get(name));
    this.typing.delete(name);
    if (on) this.typing.set(name, setTimeout(() => this.#typing(name, false), TYPING_FORGOTTEN_MS));
    this.listener.people(this);
  }

  #stopTyping() {
    clearTimeout(this.typingEnd);
    if (!this.typingTold) return;
    this.typingTold = 0;
    if (this.channel.isJoined()) this.channel.push("typing", { on: false });
  }

  #came(name) {
    if (this.people.has(name)) return;
    this.people.add(name);
    const isBack = this.missed.delete(name) && Date.now() - this.enteredAt < ALL_BACK_MS;
    if (!isBack) this.#add({ kind: "note", text: `${name} joined`, time: Date.now() });
    this.listener.people(this);
  }

  #went(name) {
    if (!this.people.delete(name)) return;
    this.#typing(name, false);
    this.#add({ kind: "note", text: `${name} left`, time: Date.now() });
    this.listener.people(this);
  }

  #add(item) {
    this.items.push(item);
    if (this.items.length > KEEP_ITEMS) this.items.shift();
    this.listener.added(this, item);
  }
}

/** Everything of one person: the socket and the rooms. `key` shows the server that a returning person is the same. */
export class Chat {
  constructor(name, key, listener) {
    Object.assign(this, { name, key, listener });
    this.rooms = new Map();
    this.online = false;
    this.socket = new chain.Socket("/socket");
    this.socket.on("open", () => this.#setOnline(true));
    this.socket.on("close", () => this.#setOnline(false));
    this.socket.on("error", () => this.#setOnline(false));
    this.socket.connect();
  }

  enter(name) {
    const room = new Room(this, name, this.listener);
    this.rooms.set(name, room);
    room.enter();
    return room;
  }

  leave(name) {
    this.rooms.get(name)?.leave();
    this.rooms.delete(name);
  }

  /** Leaves everything; nothing more is told to the listener. */
  close() {
    this.closed = true;
    for (const name of [...this.rooms.keys()]) this.leave(name);
    this.socket.disconnect();
  }

  #setOnline(online) {
    if (this.closed) return;
    this.online = online;
    if (!online) for (const room of this.rooms.values()) room.offline();
    this.listener.connection(online);
  }
}
