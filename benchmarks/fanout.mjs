#!/usr/bin/env node
// Measures the fan-out of chain against the floor, interleaved, and prints medians and ratios as a Markdown table.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import net from "node:net";
import os from "node:os";
import readline from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";

const usage = `fanout.mjs --floor PATH --chain PATH --load PATH [options]
  --out FILE         where the raw results go, as JSON
  --runs N           of each server and window, interleaved (5)
  --subscribers N    (1000)
  --size BYTES       the payload element, braces included (128)
  --windows LIST     messages outstanding (16,64)
  --turns N          measured windows: messages are turns times window (250)
  --idle N           idle sessions of the memory measurement, 0 for none (10000)
  --server-cpu N     (0)    --load-cpu N  (1)`;

const defaults = { runs: "5", subscribers: "1000", size: "128", windows: "16,64", turns: "250", idle: "10000",
                   "server-cpu": "0", "load-cpu": "1" };
const required = ["floor", "chain", "load"];
const servers = ["floor", "chain"];

function readOptions() {
  const names = [...required, "out", ...Object.keys(defaults)];
  const options = Object.fromEntries(names.map((name) => [name, { type: "string", default: defaults[name] }]));
  const { values } = parseArgs({ options });
  const missing = required.filter((name) => !values[name]);
  if (missing.length > 0) throw new Error(`--${missing.join(", --")} missing\n${usage}`);
  return values;
}

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

async function startServer(path, cpu) {
  const port = await freePort();
  const child = spawn("taskset", ["-c", cpu, path, String(port)], { stdio: ["ignore", "ignore", "inherit"] });
  let failure;
  child.once("error", (error) => (failure = error.message)).once("exit", (code) => (failure = `exit ${code}`));
  for (let tries = 0; !(await accepts(port)); ++tries) {
    if (failure || tries === 200) throw new Error(`${path} does not listen: ${failure ?? "no answer in 10 s"}`);
    await sleep(50);
  }
  return { child, port };
}

async function stopServer({ child }) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  const killer = setTimeout(() => child.kill("SIGKILL"), 5000);
  await once(child, "exit");
  clearTimeout(killer);
}

async function runLoad(options, args) {
  const child = spawn("taskset", ["-c", options["load-cpu"], options.load, ...args.map(String)],
                      { stdio: ["ignore", "pipe", "inherit"] });
  let result;
  readline.createInterface({ input: child.stdout }).on("line", (line) => (result = JSON.parse(line)));
  const [code] = await once(child, "close");
  if (!result) throw new Error(`the load generator ended with ${code} and without a result`);
  return result;
}

/** One server, fresh, under one load. */
async function measure(options, name, args) {
  const server = await startServer(options[name], options["server-cpu"]);
  try {
    const common = ["--port", server.port, "--dialect", name, "--server-pid", server.child.pid];
    const result = await runLoad(options, [...common, ...args]);
    return { server: name, loadavg: os.loadavg()[0], ...result };
  } finally {
    await stopServer(server);
  }
}

async function measureAll(options) {
  const results = [];
  const take = async (name, args) => {
    const result = await measure(options, name, args);
    const figure = result.mode === "idle" ? result.bytes_per_session : (result.cpu_ns_per_delivery ?? NaN);
    console.error(`${name} ${args.join(" ")}: ${figure.toFixed(1)}${result.errors ? `, ${result.errors} ERRORS` : ""}`);
    results.push(result);
  };
  for (const window of options.windows.split(",").map(Number)) {
    const messages = window * Number(options.turns);
    const args = ["--subscribers", options.subscribers, "--size", options.size, "--window", window, "--messages", messages];
    for (let run = 0; run < Number(options.runs); ++run) {
      for (const name of servers) await take(name, args);
    }
  }
  if (Number(options.idle) > 0) {
    for (const name of servers) await take(name, ["--idle", "--subscribers", options.idle]);
  }
  return results;
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function summarize(results) {
  const fanOuts = results.filter((result) => result.mode === "fan-out");
  return [...new Set(fanOuts.map((result) => result.window))].map((window) => {
    const of = (name, field) => fanOuts.filter((r) => r.window === window && r.server === name).map((r) => r[field]);
    const [floor, chain] = servers.map((name) => of(name, "cpu_ns_per_delivery"));
    const pairs = chain.map((value, run) => value / floor[run]);
    return { window, floor: median(floor), chain: median(chain), ratio: median(chain) / median(floor),
             lowest: Math.min(...pairs), highest: Math.max(...pairs),
             floor_per_read: median(of("floor", "deliveries_per_read")),
             chain_per_read: median(of("chain", "deliveries_per_read")) };
  });
}

function table(options, results, summary) {
  const lines = [
    `CPU per delivered message, fan-out to ${options.subscribers}, ${options.size} B, medians of ${options.runs} interleaved runs:`, "",
    "| window | floor, ns | chain, ns | chain / floor | of single pairs | deliveries per read, floor / chain |",
    "|---|---|---|---|---|---|",
    ...summary.map((s) => `| ${s.window} | ${s.floor.toFixed(1)} | ${s.chain.toFixed(1)} | ${s.ratio.toFixed(3)} ` +
      `| ${s.lowest.toFixed(3)} to ${s.highest.toFixed(3)} | ${s.floor_per_read.toFixed(1)} / ${s.chain_per_read.toFixed(1)} |`)];
  const idle = results.filter((result) => result.mode === "idle");
  if (idle.length > 0) {
    lines.push("", `Anonymous memory per idle joined session, ${idle[0].sessions} sessions:`, "",
               "| server | bytes | without the first session |", "|---|---|---|",
               ...idle.map((r) => `| ${r.server} | ${r.bytes_per_session.toFixed(0)} | ${r.bytes_per_further_session.toFixed(0)} |`));
  }
  return lines.join("\n");
}

function machine() {
  const cpus = os.cpus();
  return { cpu: cpus[0].model, cpus: cpus.length, kernel: os.release(), memory_bytes: os.totalmem() };
}

async function main() {
  const options = readOptions();
  const results = await measureAll(options);
  const summary = summarize(results);
  console.log(table(options, results, summary));
  if (options.out) {
    const report = { date: new Date().toISOString(), machine: machine(), options, summary, results };
    writeFileSync(options.out, JSON.stringify(report, null, 2) + "\n");
  }
  const failed = results.filter((result) => result.errors > 0).length;
  if (failed === 0) return;
  console.log(`\n**${failed} runs were not exactly once and in order: this table means nothing.**`);
  process.exitCode = 1;
}

main().catch((error) => {
  console.error(`fanout: ${error.message}`);
  process.exitCode = 1;
});
