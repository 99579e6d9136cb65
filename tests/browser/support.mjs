// What the browser tests share: the chat's server as a process, Chromium, and visitors who use the page.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { request } from "node:http";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { freePort } from "../support/port.mjs";

const root = new URL("../../", import.meta.url);
const { chromium } = createRequire(new URL("tests/npm/package.json", root))("playwright-core");

export const DESKTOP = { viewport: { width: 1280, height: 800 } };
export const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

const PATIENCE_MS = 20_000;
const CHROMIUM_FLAGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

/** The path of a program of the build, or an exception that says what is missing. */
export function builtProgram(what, path, variable) {
  const given = process.env[variable];
  const builds = ["build/dev", "build/release"].map((build) => fileURLToPath(new URL(`${build}/${path}`, root)));
  const places = given ? [given] : builds;
  const found = places.find((place) => existsSync(place));
  if (!found) throw new Error(`${what} is not built: there is no ${places.join(" and no ")} (${variable} names another)`);
  return found;
}

/** What a promise gives; an error when it takes too long. */
async function within(what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come about in ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Tries until `condition` holds, and fails saying `what` did not come about. */
export async function until(what, condition) {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`${what} did not come about in ${PATIENCE_MS / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The chat's server at a free port; start, kill and start again keep it. */
export class ChatServer {
  port = 0;

  static program() {
    return builtProgram("the chat example", "examples/chat/chat", "CHAIN_CHAT_BIN");
  }

  static async start() {
    const server = new this();
    await server.start();
    return server;
  }

  /** What the program is called with. */
  words() {
    return [String(this.port), ...(process.env.CHAIN_CHAT_ARGS ?? "").split(" ").filter((word) => word)];
  }

  async start() {
    this.output = "";
    this.port ||= await freePort(); // nobody else gets it while the server is away
    this.process = spawn(this.constructor.program(), this.words(), { stdio: ["ignore", "pipe", "pipe"] });
    this.ended = new Promise((resolve) => this.process.once("exit", resolve).once("error", resolve));
    this.process.unref(); // a failed test must not leave the run waiting for it
    process.once("exit", () => this.process.kill("SIGKILL"));
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.on("data", (data) => (this.output += data));
      stream.unref();
    }
    await until("the address of the chat's server", () => {
      if (this.process.exitCode !== null || this.process.signalCode) throw new Error(`the chat's server ended at once: ${this.output}`);
      return /https?:\S+:(\d+)\/?\n/.test(this.output);
    });
    const [, scheme, port] = /(https?):\S+:(\d+)\/?\n/.exec(this.output);
    this.port = Number(port);
    this.url = `${scheme}://localhost:${this.port}/`;
  }

  /** Runs the program until it ends by itself. @return its exit code and what it wrote */
  static async refused(...args) {
    const child = spawn(this.program(), args, { stdio: ["ignore", "pipe", "pipe"], timeout: PATIENCE_MS });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += data));
    const code = await new Promise((resolve, reject) => child.once("close", resolve).once("error", reject));
    return { code, output };
  }

  /** Ends the process as a crash would. */
  async kill() {
    await this.#end("SIGKILL");
  }

  /** Asks the process to end. @return its exit code */
  async stop() {
    await this.#end("SIGTERM");
    return this.process.exitCode;
  }

  #end(signal) {
    this.process.ref();
    this.process.kill(signal);
    return this.ended;
  }
}

/** The auth example's server; `tokens` are those that it printed, by the names of their users. */
export class AuthServer extends ChatServer {
  static program() {
    return builtProgram("the auth example", "examples/auth/auth", "CHAIN_AUTH_BIN");
  }

  async start() {
    await super.start();
    this.tokens = Object.fromEntries([...this.output.matchAll(/^(\w+): (\S+)$/gm)].map(([, name, token]) => [name, token]));
  }

  /** The status with which a WebSocket's handshake is answered. */
  handshake(headers) {
    return new Promise((resolve, reject) => {
      const handshake = request(`${this.url}socket/websocket`, { headers });
      handshake.on("upgrade", (_, socket) => resolve((socket.destroy(), 101)));
      handshake.on("response", (response) => resolve((response.resume(), response.statusCode)));
      handshake.on("error", reject).end();
    });
  }
}

/** The server for the tests with Phoenix's clients, in the same way. */
export class PhoenixServer extends ChatServer {
  static program() {
    return builtProgram("the server for Phoenix's clients", "tests/phoenix_server", "CHAIN_PHOENIX_SERVER_BIN");
  }
}

/** The presence example's server. */
export class PresenceServer extends ChatServer {
  static program() {
    return builtProgram("the presence example", "examples/presence/presence", "CHAIN_PRESENCE_BIN");
  }
}

export class Browser {
  static async start() {
    const browser = new Browser();
    const executablePath = process.env.CHAIN_CHROMIUM ?? "/usr/bin/chromium";
    browser.chromium = await chromium.launch({ executablePath, args: CHROMIUM_FLAGS });
    return browser;
  }

  /** A window of its own: nothing is shared with the others, as if on another machine. */
  async window(options = DESKTOP) {
    const context = await this.chromium.newContext({ locale: "en-GB", ignoreHTTPSErrors: true, ...options });
    context.setDefaultTimeout(PATIENCE_MS);
    return new Visitor(context, await context.newPage());
  }

  /** A window whose visitor is in the room already. */
  async visitor(server, name, room, options = DESKTOP) {
    const visitor = await this.window(options);
    await visitor.open(server, room);
    await visitor.enterAs(name);
    await visitor.isIn(room);
    return visitor;
  }

  close() {
    return within("Chromium's end", this.chromium.close());
  }
}

/** Somebody in front of a window. */
export class Visitor {
  constructor(context, page) {
    Object.assign(this, { context, page, problems: [], requests: [] });
    page.on("pageerror", (error) => this.problems.push(String(error)));
    page.on("console", (message) => message.type() === "error" && this.problems.push(message.text()));
    page.on("request", (request) => this.requests.push(request.url()));
    page.on("websocket", (socket) => this.requests.push(socket.url()));
  }

  open(server, room) {
    return this.page.goto(`${server.url}#${room}`);
  }

  async enterAs(name) {
    await this.page.getByLabel("Your name", { exact: true }).fill(name);
    await this.page.getByRole("button", { name: "Join the chat" }).click();
  }

  isIn(room) {
    return this.page.locator("#room-title", { hasText: new RegExp(`^#${room}$`) }).waitFor();
  }

  async say(text) {
    await this.page.getByLabel("Your message", { exact: true }).fill(text);
    await this.page.getByLabel("Your message", { exact: true }).press("Enter");
  }

  /** Waits for a message; `from` is its author. */
  sees(text, from) {
    const message = this.page.locator(".message").filter({ has: this.page.locator(".text", { hasText: text }) });
    return (from ? message.filter({ has: this.page.locator(".who", { hasText: from }) }) : message).first().waitFor();
  }

  seesNote(text) {
    return this.page.locator(".note", { hasText: text }).first().waitFor();
  }

  /** What the log says about who came and went, in order. */
  notes() {
    return this.page.locator(".note bdi").allTextContents();
  }

  /** The texts of the log's messages, in order. */
  messages() {
    return this.page.locator(".message .text").allTextContents();
  }

  /** Waits until the list of who is there is this one: the visitor first, the others by name. */
  async seesPeople(...names) {
    let now = [];
    await until(`the list ${names.join(", ")}`, async () => {
      now = await this.page.locator(".person-name").allTextContents();
      return now.join("|") === names.join("|");
    }).catch((error) => {
      throw new Error(`${error.message}; it is ${now.join(", ")}`);
    });
  }

  goTo(room) {
    return this.page.locator(`[data-room="${room}"]`).click();
  }

  close() {
    return within("a window's end", this.context.close());
  }
}

/** The problems that a page reported, other than the refused connections of an outage that the test made itself. */
export function problemsOf(visitors, { outage = false } = {}) {
  const isExpected = (text) => outage && /WebSocket connection to .* failed|ERR_CONNECTION_(REFUSED|RESET)|ERR_EMPTY_RESPONSE|ERR_SOCKET_NOT_CONNECTED|status of 503/.test(text);
  return visitors.flatMap((visitor) => visitor.problems).filter((text) => !isExpected(text));
}
