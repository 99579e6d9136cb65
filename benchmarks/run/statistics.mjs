// Medians and ratios of the runs of one case.

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Results of one case -> per row the median, lowest and highest figure, and the ratio to the first row. */
export function summarize({ label, figure = "cpu_ns", rows }, results) {
  const lines = rows.map(({ name }) => {
    const mine = results.filter((r) => r.row === name);
    const values = mine.map((r) => r[figure]);
    return { name, runs: values.length, median: median(values), lowest: Math.min(...values), highest: Math.max(...values),
             errors: mine.reduce((sum, r) => sum + r.errors, 0) };
  });
  return { label, figure, rows: lines.map((line) => ({ ...line, ratio: line.median / lines[0].median })) };
}
