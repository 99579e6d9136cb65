// Starts a broker, three nodes and a round-robin proxy, and answers the page that stops and starts nodes:
//
//     node cluster.mjs PROGRAM FOLDER [redis|nats] [PORT]
//
// FOLDER takes the proxy's configuration and what the processes write. All of them listen at 127.0.0.1 only.

import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect, createServer as createListener } from "node:net";
import { join, resolve } from "node:path";

const PATIENCE_MS = 20_000;
const NAMES = ["a", "b", "c"];
const HOST = "127.0.0.1";

const [program, given, kind = "redis", wantedPort = "8080"] = process.argv.slice(2);
if (!given || !["redis", "nats"].includes(kind) || !/^\d{1,5}$/.test(wantedPort)) {
  console.error("usage: node cluster.mjs PROGRAM FOLDER [redis|nats] [PORT]");
  process.exit(2);
}
const folder = resolve(given);
mkdirSync(folder, { recursive: true });

/** Ports at which nobody listens now, all different; none of those that the system gives to who asks for any (Linux: from 32768). */
async function freePorts(count) {
  const listeners = await Promise.all(Array.from({ length: count }, () => new Promise((done) => {
    const listener = createListener().once("listening", () => done(listener));
    const attempt = () => listener.listen(20_000 + Math.floor(Math.random() * 12_000), HOST);
    listener.on("error", attempt);
    attempt();
  })));
  const ports = listeners.map((listener) => listener.address().port);
  await Promise.all(listeners.map((listener) => new Promise((done) => listener.close(done))));
  return ports;
}

/** A program that runs until it is stopped; what it writes goes to a file of the folder. */
class Program {
  constructor(name, words) {
    Object.assign(this, { name, words, child: undefined, ended: Promise.resolve() });
  }

  get running() {
    return this.child !== undefined;
  }

  start() {
    if (this.running) return;
    const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` }; // where Debian has HAProxy
    const child = spawn(this.words[0], this.words.slice(1), { env, stdio: ["ignore", "pipe", "pipe"] });
    const log = createWriteStream(join(folder, `${this.name}.log`), { flags: "a" });
    for (const stream of [child.stdout, child.stderr]) stream.pipe(log, { end: false });
    this.child = child;
    this.ended = new Promise((done) => {
      const end = (why) => {
        if (this.child !== child) return;
        this.child = undefined;
        if (why instanceof Error) console.error(`${this.name}: ${why.message}`);
        done();
      };
      child.once("exit", end).once("error", end);
    });
  }

  /** Asks it to end; it is killed when it does not. */
  async stop() {
    this.child?.kill("SIGTERM");
    const late = setTimeout(() => this.child?.kill("SIGKILL"), PATIENCE_MS);
    await this.ended;
    clearTimeout(late);
  }
}

async function until(what, condition) {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`${what} did not come about in ${PATIENCE_MS / 1000} s; see ${folder}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

const listens = (port) => new Promise((done) => {
  const socket = connect(port, HOST, () => done((socket.destroy(), true)));
  socket.once("error", () => done(false));
});

const answers = (url) => fetch(url).then((response) => response.ok, () => false);

/** Requests go to one node after the other; a node that is not ready gets none. */
const proxyConfig = (door, control, nodes) => `defaults
    mode http
    balance roundrobin
    timeout connect 2s
    timeout client 75s
    timeout server 75s
    timeout tunnel 1h
    retries 3
    option redispatch 1
    retry-on conn-failure empty-response
frontend door
    bind ${HOST}:${door}
    use_backend control if { path_beg /nodes }
    default_backend nodes
backend control
    server control ${HOST}:${control}
backend nodes
    option httpchk GET /readyz
    default-server check inter 250ms fall 1 rise 1
${nodes.map(({ name, port }) => `    server ${name} ${HOST}:${port}`).join("\n")}
`;

/** Lets the page, and no other page, see the nodes, stop and start them. */
function control(nodes, door) {
  const hosts = [`${HOST}:${door}`, `localhost:${door}`];
  return createServer((request, response) => {
    const end = (status, body = "") => response.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store" }).end(body);
    if (!hosts.includes(request.headers.host)) return end(403);
    if (request.url === "/nodes" && request.method === "GET")
      return end(200, JSON.stringify(nodes.map(({ name, running }) => ({ name, running }))));
    const [, name, verb] = /^\/nodes\/(\w+)\/(start|stop)$/.exec(request.url) ?? [];
    const node = nodes.find((one) => one.name === name);
    if (!node) return end(404);
    if (request.method !== "POST") return end(405);
    if (request.headers.origin !== `http://${request.headers.host}`) return end(403);
    node[verb]();
    return end(204);
  });
}

const [brokerPort, controlPort, anyDoor, ...nodePorts] = await freePorts(3 + NAMES.length);
const door = Number(wantedPort) || anyDoor;
const broker = kind === "nats"
  ? new Program("nats-server", ["nats-server", "-a", HOST, "-p", String(brokerPort)])
  : new Program("redis-server", ["redis-server", "--bind", HOST, "--port", String(brokerPort), "--save", "", "--dir", folder]);
const nodes = NAMES.map((name, i) => {
  const node = new Program(`node-${name}`, [program, String(nodePorts[i]), name, `${kind}://${HOST}:${brokerPort}`]);
  return Object.assign(node, { name, port: nodePorts[i] });
});
const proxy = new Program("haproxy", ["haproxy", "-db", "-f", join(folder, "haproxy.cfg")]);
const server = control(nodes, door);

let stopping = false;
async function stop(code) {
  if (stopping) return;
  stopping = true;
  server.close();
  await proxy.stop();
  await Promise.all(nodes.map((node) => node.stop()));
  await broker.stop();
  process.exit(code);
}
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => stop(0));

try {
  if (await listens(door)) throw new Error(`somebody listens at port ${door} already`);
  writeFileSync(join(folder, "haproxy.cfg"), proxyConfig(door, controlPort, nodes));
  server.listen(controlPort, HOST);
  broker.start();
  await until("the broker", () => listens(brokerPort));
  for (const node of nodes) node.start();
  await until("the nodes", async () => (await Promise.all(nodes.map(({ port }) => answers(`http://${HOST}:${port}/readyz`)))).every(Boolean));
  proxy.start();
  await until("the proxy", () => answers(`http://${HOST}:${door}/healthz`));
  console.log(`Nodes ${NAMES.join(", ")} meet at ${kind}; what they write is in ${folder}.`);
  console.log(`The page is at http://${HOST}:${door}/`);
} catch (error) {
  console.error(`cluster: ${error.message}`);
  await stop(1);
}
