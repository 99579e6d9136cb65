// Starts servers and the load generator, each pinned to a CPU of its own.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import readline from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const benchmarks = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const built = path.join(path.dirname(benchmarks), "build/release/benchmarks");
const script = (name) => [process.execPath, path.join(benchmarks, "npm", `${name}.mjs`)];

const certificate = path.join(built, "certificate.pem");
const key = path.join(built, "key.pem");
const chainServer = (...more) => ({ command: [path.join(built, "chain_server")], more, dialect: "chain" });

/** How a server is started (the port comes next), which dialect it speaks, and which CPUs it gets. */
const servers = {
  floor: { command: [path.join(built, "floor_server")], dialect: "plain" },
  chain: chainServer(),
  "chain-2-lanes": chainServer("threads=2"),
  "chain-tls": chainServer(`certificate=${certificate}`, `key=${key}`),
  "chain-deflate": chainServer("deflate=1"),
  "chain-1000-topics": chainServer("topics-per-session=1000"),
  "chain-presence-window": chainServer("presence-window=50"),
  mounted: { command: [path.join(built, "mounted_server")], dialect: "chain" },
  "mounted-lane": { command: [path.join(built, "mounted_server")], more: ["lanes=1"], dialect: "chain" },
  beast: { command: [path.join(built, "beast_server")], dialect: "plain" },
  uws: { command: [path.join(built, "uws_server")], dialect: "plain" },
  ws: { command: script("ws"), dialect: "plain" },
  "socket.io": { command: script("socket.io"), dialect: "socket.io" },
};

/** Is the server's program there? That of uWebSockets may be missing. */
export const isBuilt = (name) => existsSync(servers[name].command[0]);

/** The certificate of the TLS server: its own, P-256. */
export function makeCertificate() {
  execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                           "-subj", "/CN=localhost", "-keyout", key, "-out", certificate], { stdio: "ignore" });
}

const serverCpu = "0";
const loadCpu = "1";

async function freePort() {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1");
    socket.once("connect", () => socket.end()).once("close", (failed) => resolve(!failed)).on("error", () => {}).resume();
  });
}

/** Somebody else may take the port before the server does: then another one is tried. */
async function startServer(name, attempts = 5) {
  try {
    return await startServerAt(await freePort(), name);
  } catch (error) {
    if (attempts === 1) throw error;
    console.error(`${error.message}; again`);
    return startServer(name, attempts - 1);
  }
}

async function startServerAt(port, name) {
  const { command, more = [] } = servers[name];
  const child = spawn("taskset", ["-c", serverCpu, ...command, String(port), ...more], { stdio: ["ignore", "ignore", "inherit"] });
  let failure;
  child.once("error", (error) => (failure = error.message)).once("exit", (code) => (failure = `exit ${code}`));
  for (let tries = 0; !(await accepts(port)); ++tries) {
    if (failure || tries === 200) throw new Error(`${name} does not listen: ${failure ?? "no answer in 10 s"}`);
    await sleep(50);
  }
  return { child, port };
}

/** At once, as it would take leave of each session and topic otherwise. */
async function stopServer({ child }) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}

async function runLoad(args) {
  const child = spawn("taskset", ["-c", loadCpu, path.join(built, "load"), ...args.map(String)], { stdio: ["ignore", "pipe", "inherit"] });
  let result;
  readline.createInterface({ input: child.stdout }).on("line", (line) => (result = JSON.parse(line)));
  const [code] = await once(child, "close");
  if (!result) throw new Error(`the load generator ended with ${code} and without a result`);
  return result;
}

/** One server, fresh, under one load. */
export async function measure(name, options) {
  const server = await startServer(name);
  try {
    const all = { port: server.port, dialect: servers[name].dialect, "server-pid": server.child.pid, ...options };
    return await runLoad(Object.entries(all).flatMap(([option, value]) => [`--${option}`, value]));
  } finally {
    await stopServer(server);
  }
}

/** Runs a program that was built with the benchmarks, and returns what it prints. */
export async function output(name, args = []) {
  const child = spawn(path.join(built, name), args, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (data) => (text += data));
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${name} ended with ${code}`);
  return text;
}
