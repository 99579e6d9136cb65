// The Markdown tables of a run.
import { targetRows } from "./targets.mjs";

const units = { cpu_ns: "ns of CPU each", bytes_per_session: "bytes per session", last_over_first: "ratio" };
const number = (value, figure) => value.toFixed(figure === "last_over_first" ? 3 : value < 1000 ? 1 : 0);

function section({ label, figure, rows }) {
  return [
    `### ${label}`, "",
    `| what | ${units[figure]} | lowest to highest | over ${rows[0].name} | runs |`, "|---|---|---|---|---|",
    ...rows.map((r) => `| ${r.name} | ${number(r.median, figure)} | ${number(r.lowest, figure)} to ${number(r.highest, figure)} ` +
      `| ${r.ratio.toFixed(2)} | ${r.runs}${r.errors > 0 ? `, **${r.errors} errors: means nothing**` : ""} |`), ""];
}

const sizeRow = (line) => `| ${line.trim().replace(/ +([\d.]+)$/, " | $1")} |`;

export function markdown(report) {
  const { date, machine, profile, withoutUws, summaries, micro, sizes } = report;
  return [
    "# Results", "",
    `Made by \`scripts/bench\` (profile ${profile}) on ${date}: ${machine.cpus} x ${machine.cpu}, Linux ${machine.kernel}, ` +
      `load average before ${machine.loadBefore.toFixed(2)}, file limit ${machine.fileLimit}.`,
    "CPU is the server's scheduler run time, kernel included, over deliveries (fan-out), replies (requests), connections or joins. Medians of",
    "interleaved runs. Server and load generator have a CPU each; wall-clock time is in the JSON and says little.", "",
    ...(withoutUws ? [`uWebSockets: not compared, ${withoutUws}.`, ""] : []),
    "## What was aimed at", "", "| what | must | stretch | measured | |", "|---|---|---|---|---|", ...targetRows(report), "",
    "## Each case", "",
    ...summaries.flatMap(section),
    ...(micro ? ["## In one process", "",
                 "Micro-benchmarks, medians of interleaved repetitions; `publish_to_subscribers` is for each subscriber.", "", "| what | ns |", "|---|---|",
                 ...micro.map((m) => `| ${m.name} | ${(m.per_subscriber ? m.per_subscriber * 1e9 : m.cpu_time).toFixed(1)} |`), ""] : []),
    ...(sizes ? ["## Sizes", "", "| what | bytes |", "|---|---|", ...sizes.trimEnd().split("\n").map(sizeRow), ""] : []),
  ].join("\n");
}
