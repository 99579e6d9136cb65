// A bar chart of one case as SVG, without a library.

const width = 640, left = 110, right = 90, barHeight = 22, gap = 8, top = 44;
const full = width - left - right;
/** Bars that are longer than so many of what they are compared with are cut, or nothing else could be seen. */
const longest = 3;
const escape = (text) => text.replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]);
const isOwn = ({ name }) => name.startsWith("chain");

/** The value at the end of the axis: the first row and our own are whole. */
function axisEnd(rows) {
  const compared = rows.filter((r, i) => i === 0 || isOwn(r)).map((r) => r.median);
  return Math.min(Math.max(...rows.map((r) => r.highest)), longest * Math.max(...compared));
}

function bar(row, y, scale) {
  const middle = y + barHeight / 2, isCut = scale(row.median) > full, end = Math.min(scale(row.highest), full);
  const fill = isOwn(row) ? "#2563eb" : "#94a3b8";
  const cut = () => [-14, -8].map((dx) => `<line x1="${left + full + dx}" x2="${left + full + dx + 6}" y1="${y + barHeight}" y2="${y}" stroke="white" stroke-width="2"/>`).join("");
  const range = `<line x1="${(left + scale(row.lowest)).toFixed(1)}" x2="${(left + end).toFixed(1)}" y1="${middle}" y2="${middle}" stroke="#111"/>`;
  return `<text x="${left - 8}" y="${middle + 4}" text-anchor="end">${escape(row.name)}</text>` +
    `<rect x="${left}" y="${y}" width="${Math.min(scale(row.median), full).toFixed(1)}" height="${barHeight}" fill="${fill}"/>` +
    (isCut ? cut() : range) +
    `<text x="${(left + end + 6).toFixed(1)}" y="${middle + 4}">${row.median.toFixed(row.median < 10 ? 2 : 0)}</text>`;
}

export function svg({ label, figure, rows }) {
  const most = axisEnd(rows);
  const scale = (value) => (value / most) * full;
  const height = top + rows.length * (barHeight + gap) + gap;
  const bars = rows.map((row, i) => bar(row, top + i * (barHeight + gap), scale));
  const note = rows.some((r) => scale(r.median) > full) ? "; bars with two white strokes are cut" : "";
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="13">` +
    `<rect width="100%" height="100%" fill="white"/><text x="8" y="20" font-weight="bold">${escape(label)}</text>` +
    `<text x="8" y="36" font-size="11">${escape(figure)}, median; the line goes from the lowest to the highest run${note}</text>${bars.join("")}</svg>\n`;
}
