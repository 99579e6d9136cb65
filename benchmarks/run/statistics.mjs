// Medians and ratios of the runs of one case.

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Results of one case -> per server the median, lowest and highest figure, and the ratio to the first server. */
export function summarize({ label, figure = "cpu_ns", servers }, results) {
  const rows = servers.map((server) => {
    const values = results.filter((r) => r.server === server).map((r) => r[figure]);
    return { server, runs: values.length, median: median(values), lowest: Math.min(...values), highest: Math.max(...values),
             errors: results.filter((r) => r.server === server).reduce((sum, r) => sum + r.errors, 0) };
  });
  return { label, figure, rows: rows.map((row) => ({ ...row, ratio: row.median / rows[0].median })) };
}
