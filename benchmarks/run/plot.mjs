// A bar chart of one case as SVG, without a library.

const width = 640, left = 110, right = 90, barHeight = 22, gap = 8, top = 44;
const escape = (text) => text.replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]);

export function svg({ label, figure, rows }) {
  const most = Math.max(...rows.map((r) => r.highest));
  const scale = (value) => (value / most) * (width - left - right);
  const height = top + rows.length * (barHeight + gap) + gap;
  const bars = rows.map((r, i) => {
    const y = top + i * (barHeight + gap), middle = y + barHeight / 2;
    return `<text x="${left - 8}" y="${middle + 4}" text-anchor="end">${escape(r.name)}</text>` +
      `<rect x="${left}" y="${y}" width="${scale(r.median).toFixed(1)}" height="${barHeight}" fill="${r.name.startsWith("chain") ? "#2563eb" : "#94a3b8"}"/>` +
      `<line x1="${(left + scale(r.lowest)).toFixed(1)}" x2="${(left + scale(r.highest)).toFixed(1)}" y1="${middle}" y2="${middle}" stroke="#111"/>` +
      `<text x="${(left + scale(r.highest) + 6).toFixed(1)}" y="${middle + 4}">${r.median.toFixed(r.median < 10 ? 2 : 0)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="13">` +
    `<rect width="100%" height="100%" fill="white"/><text x="8" y="20" font-weight="bold">${escape(label)}</text>` +
    `<text x="8" y="36" font-size="11">${escape(figure)}, median; the line goes from the lowest to the highest run</text>${bars.join("")}</svg>\n`;
}
