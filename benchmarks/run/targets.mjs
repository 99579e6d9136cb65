// What the figures have to reach, and what is hoped for.
import { readFileSync } from "node:fs";

/** The instructions per operation that scripts/gate holds the library to. */
function gateFigures() {
  const lines = readFileSync(new URL("../gate/expected.txt", import.meta.url), "utf8").split("\n");
  return Object.fromEntries(lines.filter((line) => line && !line.startsWith("#")).map((line) => line.split(" ")).map(([k, v]) => [k, Number(v)]));
}

const find = (report, label, name) => report.summaries.find((s) => s.label === label)?.rows.find((r) => r.name === name);
const ratio = (label, name) => (report) => find(report, label, name)?.ratio;
const over = (label, name, other) => (report) => find(report, label, name)?.median / find(report, label, other)?.median;
const value = (label, name) => (report) => find(report, label, name)?.median;
const instructions = (work) => () => gateFigures()[work];
const growth = (report) => {
  const of = (topics) => report.micro?.find((m) => m.name.startsWith(`publish_with_topics/${topics}/`))?.cpu_time;
  return of(1_000_000) / of(1000);
};

const fanOut = (window) => `fan-out to 1000, 128 B, window ${window}`;
const targets = [
  ["fan-out to 1000, 128 B, window 16: CPU over the floor", 1.1, 1.0, ratio(fanOut(16), "chain")],
  ["the same, window 64", 1.3, 1.05, ratio(fanOut(64), "chain")],
  ["fan-out to 1000, 128 B, window 16: CPU over uWebSockets'", 1.0, undefined, over(fanOut(16), "chain", "uWebSockets")],
  ["the same, window 64", 1.0, undefined, over(fanOut(64), "chain", "uWebSockets")],
  ["the same, window 1", 1.0, undefined, over(fanOut(1), "chain", "uWebSockets")],
  ["user instructions per delivered broadcast, sessions in one topic", 60, 20, instructions("broadcast")],
  ["the same, sessions touched by several topics in a turn, some in the same", 150, 80, instructions("broadcast_mixed_topics")],
  ["the same, no two sessions in the same topics", 150, 80, instructions("broadcast_distinct_topics")],
  ["request and reply, 100 connections, depth 16: CPU over the floor", 1.6, 1.35, ratio("request and reply, 100 connections, depth 16", "chain")],
  ["bytes per idle joined WebSocket session, 10,000 of them, in `Server`", 800, 600, value("idle, 10000 sessions", "chain")],
  ["the same, 1000 of them, mounted, `any_io_executor`, on a declared lane", 1000, 700, value("mounted: idle, 1000 sessions", "mounted, declared lane")],
  ["connect, join, leave, close: CPU over the floor", 1.35, 1.15, ratio("connect, join, leave, close", "chain")],
  ["two lanes over one: CPU per delivered message", 1.15, 1.05, ratio("fan-out to 1000, one lane and two", "two lanes")],
  ["one reader that never reads among 1000: CPU per message of the others", 1.05, undefined, ratio("fan-out to 1000, one of them never reads", "one does not")],
  ["an operation with 1,000,000 topics over one with 1000", 1.5, undefined,
   ratio("an operation with so many topics, 1000 connections", "1,000,000 topics")],
  ["a publication with 1,000,000 topics over one with 1000, in one process without sockets", 1.5, undefined, growth],
  ["memory after 10 cycles of 10,000 connections, over that after the first", 1.1, undefined,
   value("memory after 10 cycles of 10000 connections, over that of the first", "chain")],
];

const digits = (n) => (n === undefined ? "" : n >= 100 ? n.toFixed(0) : n >= 10 ? n.toFixed(1) : n.toFixed(2));
const verdict = (measured, must, stretch) =>
  measured > must ? "missed" : stretch === undefined ? "reached" : measured <= stretch ? "stretch reached" : "must reached";

/** The rows of those that this report has. */
export function targetRows(report) {
  return targets
    .map(([what, must, stretch, measure]) => ({ what, must, stretch, measured: measure(report) }))
    .filter(({ measured }) => Number.isFinite(measured))
    .map(({ what, must, stretch, measured }) =>
      `| ${what} | ${digits(must)} | ${digits(stretch)} | ${digits(measured)} | ${verdict(measured, must, stretch)} |`);
}
