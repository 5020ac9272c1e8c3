/** Plots over time as SVG: panels below each other, each with lines or stacked areas. */

/** One line of a panel: a value for each step of time, in its units. */
export interface Series {
  readonly name: string;
  readonly colour: string;
  readonly values: readonly number[];
}

/** What is drawn in one frame. */
export interface Panel {
  readonly title: string;
  readonly series: readonly Series[];
  /** Areas on top of each other instead of lines. */
  readonly stacked?: boolean;
}

const width = 860;
const panelHeight = 170;
const left = 64;
const right = 16;
const top = 34;
const gap = 58;

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const at = (value: number): string => value.toFixed(1);

/** The least round number (1, 2 or 5 times a power of ten) that is not below `value`. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-9)));
  return ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10) * power;
}

/** Running sums: each series on top of those before it. */
function stack(series: readonly Series[]): readonly Series[] {
  const sums: number[] = [];
  return series.map((each) => ({
    ...each,
    values: each.values.map((value, step) => (sums[step] = (sums[step] ?? 0) + value)),
  }));
}

function drawPanel({ series, stacked = false, title }: Panel, y: number, stepS: number): string {
  const drawn = stacked ? stack(series) : series;
  const steps = Math.max(...drawn.map(({ values }) => values.length));
  const most = roundUp(Math.max(1e-9, ...drawn.flatMap(({ values }) => values)));
  const x = (step: number): number => left + (step / Math.max(1, steps - 1)) * (width - left - right);
  const level = (value: number): number => y + panelHeight - (value / most) * panelHeight;
  const lines: string[] = [
    `<text x="${left}" y="${y - 10}" class="title">${escaped(title)}</text>`,
    `<rect x="${left}" y="${y}" width="${width - left - right}" height="${panelHeight}" class="frame"/>`,
  ];
  for (const share of [0, 0.5, 1]) {
    const height = level(most * share);
    lines.push(
      `<line x1="${left}" x2="${width - right}" y1="${at(height)}" y2="${at(height)}" class="grid"/>`,
    );
    lines.push(
      `<text x="${left - 6}" y="${at(height + 4)}" class="tick end">${Number((most * share).toPrecision(3))}</text>`,
    );
  }
  const seconds = (steps - 1) * stepS;
  const every = roundUp(seconds / 8);
  for (let second = 0; second <= seconds; second += every)
    lines.push(
      `<text x="${at(x(second / stepS))}" y="${y + panelHeight + 15}" class="tick middle">${Number(second.toFixed(2))} s</text>`,
    );
  // The highest sum first: what is drawn later covers it.
  for (const { colour, values } of stacked ? [...drawn].reverse() : drawn) {
    const points = values.map((value, step) => `${at(x(step))},${at(level(value))}`).join(" ");
    lines.push(
      stacked
        ? `<polygon points="${at(x(0))},${at(level(0))} ${points} ${at(x(values.length - 1))},${at(level(0))}" fill="${colour}"/>`
        : `<polyline points="${points}" fill="none" stroke="${colour}" stroke-width="1.5"/>`,
    );
  }
  let from = width - right;
  for (const { colour, name } of [...series].reverse()) {
    from -= name.length * 6.2 + 24;
    lines.push(`<rect x="${at(from)}" y="${y - 19}" width="10" height="10" fill="${colour}"/>`);
    lines.push(`<text x="${at(from + 14)}" y="${y - 10}" class="tick">${escaped(name)}</text>`);
  }
  return lines.join("\n");
}

/** The plot as an SVG document; a step is `stepS` seconds long. */
export function plot(heading: string, panels: readonly Panel[], stepS: number): string {
  const height = top + 20 + panels.length * (panelHeight + gap);
  const body = panels.map((panel, index) => drawPanel(panel, top + 24 + index * (panelHeight + gap), stepS));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif">
<title>${escaped(heading)}</title>
<style>
.title{font-size:13px;font-weight:600;fill:#222}.tick{font-size:11px;fill:#555}.end{text-anchor:end}
.middle{text-anchor:middle}.frame{fill:#fafafa;stroke:#ccc}.grid{stroke:#ddd}.heading{font-size:15px;fill:#222}
</style>
<rect width="${width}" height="${height}" fill="#fff"/>
<text x="${left}" y="22" class="heading">${escaped(heading)}</text>
${body.join("\n")}
</svg>
`;
}
