// Live CPU and memory of one container.
import { chart, SAMPLES } from "./chart.js";
import { setText } from "./dom.js";
import { bytes, percent } from "./format.js";

// A chart of CPU reaches to this at least, so that an idle container does not look busy.
const LEAST_CPU = 25;

export class Usage {
  constructor(parts) {
    this.parts = parts;
    this.cpu = [];
    this.memory = [];
    this.cpuChart = chart(parts["cpu-chart"]);
    this.memoryChart = chart(parts["memory-chart"]);
    this.clear();
  }

  clear() {
    this.cpu.length = this.memory.length = 0;
    setText(this.parts.cpu, "–");
    setText(this.parts.memory, "–");
    setText(this.parts.limit, "");
    this.draw(0);
  }

  add({ cpuPercent, memoryBytes, memoryLimit }) {
    if (typeof cpuPercent === "number") {
      this.push(this.cpu, cpuPercent);
      setText(this.parts.cpu, percent(cpuPercent));
    }
    if (typeof memoryBytes === "number") {
      this.push(this.memory, memoryBytes);
      setText(this.parts.memory, bytes(memoryBytes));
      setText(this.parts.limit, memoryLimit ? `of ${bytes(memoryLimit)}` : "");
    }
    this.draw(memoryLimit);
  }

  push(samples, value) {
    samples.push(value);
    if (samples.length > SAMPLES) samples.shift();
  }

  draw(limit) {
    this.cpuChart.draw(this.cpu, Math.max(LEAST_CPU, ...this.cpu));
    this.memoryChart.draw(this.memory, limit || Math.max(1, ...this.memory) * 1.25);
  }
}
