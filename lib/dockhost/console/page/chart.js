// Sparklines: the last few minutes of one figure.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 60;
const HEIGHT = 20;
/** How many samples a chart shows. */
export const SAMPLES = 40;

function element(name, attributes, parent) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  parent?.append(node);
  return node;
}

/** Puts an empty chart into `holder`; `draw(samples, top)` shows samples from 0 to `top`. */
export function chart(holder) {
  const box = { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" };
  const svg = element("svg", box, holder);
  const area = element("polygon", {}, svg);
  const line = element("polyline", {}, svg);
  return {
    draw(samples, top) {
      const step = WIDTH / (SAMPLES - 1);
      const left = WIDTH - (samples.length - 1) * step;
      const y = (value) => (HEIGHT - 1 - (Math.min(value, top) / top) * (HEIGHT - 2)).toFixed(1);
      const points = samples.map((value, index) => `${(left + index * step).toFixed(1)},${y(value)}`);
      line.setAttribute("points", points.join(" "));
      const closed = `${left.toFixed(1)},${HEIGHT} ${points.join(" ")} ${WIDTH},${HEIGHT}`;
      area.setAttribute("points", points.length ? closed : "");
    },
  };
}
