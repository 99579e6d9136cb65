// Runs kinds of work, all by default: main.mjs [quick] [WORK...]. Writes benchmarks/results. See scripts/bench.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { svg } from "./plot.mjs";
import { isBuilt, makeCertificate, measure, output } from "./processes.mjs";
import { markdown } from "./report.mjs";
import { summarize } from "./statistics.mjs";
import { profiles, works } from "./works.mjs";

const others = ["micro", "sizes"];
const usualRuns = 5;

function readArguments() {
  const names = process.argv.slice(2);
  const profile = /^(--)?quick$/.test(names[0]) ? names.shift() && "quick" : "full";
  const known = [...Object.keys(works), ...others];
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`${unknown.join(", ")}: unknown; there are ${known.join(", ")}`);
  return { profile, selected: names.length > 0 ? names : known };
}

function machine() {
  const cpus = os.cpus();
  return { cpu: cpus[0].model, cpus: cpus.length, kernel: os.release(), memory: os.totalmem(), loadBefore: os.loadavg()[0],
           fileLimit: Number(execFileSync("bash", ["-c", "ulimit -Hn"]).toString().replace("unlimited", "0")) };
}

/** Why uWebSockets is not compared, if it is not; scripts/bench says so. */
const withoutUws = () => (isBuilt("uws") ? undefined : process.env.CHAIN_WITHOUT_UWS || "as its server is not built");

/** All runs of one case: row after row, and over again, there and back: none always comes after the same other one. */
async function runCase(one, profile) {
  const results = [];
  const runsOf = (row) => Math.min(profile.runs, row.runs ?? one.runs ?? usualRuns);
  for (let run = 0; run < Math.max(...one.rows.map(runsOf)); ++run) {
    const rows = one.rows.filter((r) => run < runsOf(r));
    for (const row of run % 2 === 0 ? rows : rows.reverse()) {
      const messages = one.messages ? { messages: one.messages(profile.scale * (row.share ?? 1)) } : {};
      const result = { row: row.name, label: one.label, ...(await measure(row.server, { ...one.args, ...messages, ...row.args })) };
      const figure = result[one.figure ?? "cpu_ns"];
      console.error(`${one.label}: ${row.name} ${figure?.toFixed(2)}${result.errors ? `, ${result.errors} ERRORS` : ""}`);
      results.push(result);
    }
  }
  return results;
}

/** Google Benchmark's runs, interleaved, of which it gives the medians. */
async function micro(profile) {
  const how = profile === "quick" ? ["0.005", "1"] : ["0.05", "5"];
  const filter = profile === "quick" ? ["--benchmark_filter=-.*(000000|100000).*"] : [];
  const report = JSON.parse(await output("micro", ["--benchmark_format=json", `--benchmark_min_time=${how[0]}`,
    `--benchmark_repetitions=${how[1]}`, "--benchmark_enable_random_interleaving=true", ...filter]));
  const medians = report.benchmarks.filter((b) => b.aggregate_name === "median");
  return (medians.length > 0 ? medians : report.benchmarks).map((b) => ({ ...b, name: b.run_name }));
}

async function main() {
  const { profile, selected } = readArguments();
  makeCertificate();
  const report = { date: new Date().toISOString(), profile, machine: machine(), withoutUws: withoutUws(), summaries: [], results: [] };
  for (const name of Object.keys(works).filter((work) => selected.includes(work))) {
    for (const one of works[name]({ ...profiles[profile], fileLimit: report.machine.fileLimit })) {
      const results = await runCase(one, profiles[profile]);
      report.results.push(...results);
      report.summaries.push(summarize(one, results));
    }
    write(report); // what there is so far, should the rest be interrupted
  }
  if (selected.includes("micro")) report.micro = await micro(profile);
  if (selected.includes("sizes")) report.sizes = await output("sizes") + await output("heap");
  write(report);
  console.log(markdown(report));
  const failed = report.results.filter((result) => result.errors > 0).length;
  if (failed > 0) throw new Error(`${failed} runs were not exactly once and in order: their figures mean nothing`);
}

/** How the time of an operation grows with topics or subscribers, as cases for plots. */
function growth(micro = []) {
  const titles = { publish_with_topics: "a publication, with so many topics on the lane",
                   publish_to_subscribers: "a publication for each of so many subscribers",
                   publish_with_topics_per_session: "a publication to 100 sessions in so many topics each" };
  return Object.entries(titles).map(([name, title]) => ({
    label: `growth: ${title}`, figure: "ns",
    rows: micro.filter((m) => m.name.startsWith(`${name}/`)).map((m) => {
      const ns = m.per_subscriber ? m.per_subscriber * 1e9 : m.cpu_time;
      return { name: Number(m.name.split("/")[1]).toLocaleString("en"), median: ns, lowest: ns, highest: ns };
    }),
  })).filter(({ rows }) => rows.length > 0);
}

function write(report) {
  const folder = path.join(path.dirname(path.dirname(fileURLToPath(import.meta.url))), "results");
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, "results.json"), JSON.stringify(report, null, 1) + "\n");
  writeFileSync(path.join(folder, "results.md"), markdown(report));
  for (const summary of [...report.summaries, ...growth(report.micro)])
    writeFileSync(path.join(folder, `${summary.label.replace(/[^a-z0-9]+/gi, "-")}.svg`), svg(summary));
}

main().catch((error) => {
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
});
