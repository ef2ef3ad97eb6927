// One explanation as a card: while it is made, and once it is there.

import { download, json, request } from "./api.js";
import { element, fill, number, percent } from "./dom.js";
import { follow } from "./events.js";
import { chosenPixels, draw, loadLayers, ratioOf } from "./layers.js";

const ENDED = ["succeeded", "failed", "cancelled"];
const SVG = "http://www.w3.org/2000/svg";

export class Result {
  /** job: as POST /v1/explanations answered; title: the method's. */
  constructor(job, title, failed) {
    this.job = job;
    this.failed = failed;
    this.view = "region";
    this.choice = {};
    this.body = element("div");
    this.cancel = element("button", { type: "button", onclick: () => this.stop() }, "Cancel");
    this.card = element("article", { class: "result", "aria-label": title }, element("header", {}, element("h3", {}, title), this.cancel), this.body);
    this.waiting();
  }

  waiting() {
    this.bar = element("progress", { "aria-label": "Progress" });
    this.stage = element("p", { class: "hint", "aria-live": "polite" }, "waiting for its turn");
    fill(this.body, this.bar, this.stage);
  }

  /** Until it has ended, however it ends. */
  async watch() {
    this.stopper = new AbortController();
    try {
      await follow(`${this.job.links.self}/events`, (name, data) => this.heard(name, data), this.stopper.signal);
      this.job = await json(this.job.links.self);
      if (this.job.state === "succeeded") await this.finished();
      else this.ended();
    } catch (error) {
      this.ended(error.message);
    }
  }

  heard(name, data) {
    if (name === "progress") {
      this.bar.max = Math.max(data.total, 1);
      this.bar.value = data.done;
      this.stage.textContent = `${data.stage}: ${data.done} of ${data.total}`;
    } else if (data.state === "running") {
      this.stage.textContent = "started";
    }
    return name === "state" && ENDED.includes(data.state);
  }

  async stop() {
    this.cancel.disabled = true;
    this.stage.textContent = "stopping …";
    try {
      await request(this.job.links.self, { method: "DELETE" });
    } catch (error) {
      this.failed(error);
    }
  }

  ended(why = null) {
    this.cancel.remove();
    const text = why ?? this.job.error?.detail ?? (this.job.state === "cancelled" ? "Cancelled." : `It ended as ${this.job.state}.`);
    fill(this.body, element("p", { class: why || this.job.error ? "bad" : "" }, text));
  }

  async finished() {
    this.cancel.remove();
    this.layers = await loadLayers(this.job);
    const { view } = this.layers;
    this.canvas = element("canvas", { role: "img" });
    fill(this.body, this.canvas, ...this.verdict(view), ...this.sliders(view), ...this.certificate(view), this.files());
    this.draw();
  }

  show(view) {
    this.view = view;
    if (this.layers) this.draw();
  }

  draw() {
    const pixels = chosenPixels(this.layers, this.choice);
    draw(this.canvas, this.layers, this.view, pixels);
    const { label } = this.layers.view.target;
    this.canvas.setAttribute("aria-label", `${label}: a part ${percent(ratioOf(this.layers, pixels))} of the object's area is shown`);
    return pixels;
  }

  verdict({ target, metrics, status, certificate, notes }) {
    const [part, dice] = [percent(metrics.perturbation_ratio), number(metrics.dice_explained)];
    const [kind, mark, text] =
      certificate.passed === null ? ["", "", `From its region, ${part} of the object's area, the model finds “${target.label}” with Dice ${dice}.`]
      : certificate.passed ? ["good", "✓ ", `From ${part} of the object's area the model finds “${target.label}” again (Dice ${dice}).`]
      : ["bad", "✗ ", `This region, ${part} of the object's area, is not enough: from it the model finds “${target.label}” with Dice ${dice}; ${number(certificate.tau)} is asked for.`];
    return [
      element("p", { class: `verdict ${kind}` }, mark + text),
      ...(status === "ok" ? [] : [element("p", { class: "bad" }, `Status: ${status.replaceAll("_", " ")}`)]),
      ...notes.map((note) => element("p", { class: "hint" }, note)),
    ];
  }

  sliders(view) {
    const made = [];
    const reset = () => made.forEach(({ input, said }) => { input.value = input.defaultValue; said.textContent = ""; });
    const slider = (label, attributes, chosen, told) => {
      const said = element("output", {});
      const input = element("input", {
        type: "range", step: 1, ...attributes,
        oninput: () => {
          const value = Number(input.value);
          reset();
          input.value = value;
          this.choice = chosen(value);
          said.textContent = told(value, this.draw());
        },
      });
      made.push({ input, said });
      return element("label", { class: "slider" }, label, input, said);
    };
    const parts = [];
    if (view.dilations) {
      const { stages } = view.dilations;
      parts.push(slider("Grow the object, step by step", { min: 0, max: stages.length - 1, value: stages.length - 1 }, (stage) => ({ stage }), (stage) => {
        const { dilations, dice, ratio } = stages[stage];
        const times = dilations === 1 ? "once" : `${dilations} times`;
        return `Grown ${dilations ? times : "not at all"}: ${number(ratio)} × the object, the model finds it with Dice ${number(dice)}${dice > view.certificate.tau ? ": enough" : ": not enough"}.`;
      }));
    }
    parts.push(slider("Only the brightest part of the map", { min: 1, max: 255, value: 128 }, (threshold) => ({ threshold }), (threshold, pixels) => {
      const { low, high } = view.saliency;
      return `Map ≥ ${(low + ((high - low) * threshold) / 255).toPrecision(3)}: ${percent(ratioOf(this.layers, pixels))} of the object's area. What the model finds in it was not asked.`;
    }));
    const back = element("button", { type: "button", onclick: () => { reset(); this.choice = {}; this.draw(); } }, "Back to the method's region");
    return [...parts, back];
  }

  certificate({ certificate }) {
    const marks = new Map([[true, ["good", "good:", "✓ "]], [false, ["bad", "beware:", "⚠ "]], [null, ["", "to know:", "· "]]]);
    const finding = ({ good, text }) => {
      const [kind, spoken, mark] = marks.get(good);
      return element("li", {}, element("span", { class: kind, role: "img", "aria-label": spoken }, mark), text);
    };
    const rows = certificate.bars.map(({ name, dice, required }) =>
      element("tr", {}, element("th", { scope: "row" }, name + (required ? " *" : "")), element("td", {}, bar(dice, certificate.tau)), element("td", {}, number(dice))));
    return [
      element("h4", {}, "What was checked on the deployed model"),
      element("ul", { class: "findings" }, ...certificate.findings.map(finding)),
      element("details", {}, element("summary", {}, "Dice of every check"),
        element("table", { class: "bars" }, ...rows),
        element("p", { class: "hint" }, `* what the region was made for.${certificate.tau === null ? "" : ` Line: the Dice asked for, ${number(certificate.tau)}.`}`)),
    ];
  }

  files() {
    const { links, id } = this.job;
    const save = (label, path, name) =>
      element("button", { type: "button", onclick: () => download(path, name).catch(this.failed) }, label);
    return element("div", { class: "buttons" },
      save("Report", links.report, `misure-${id.slice(0, 8)}.html`), save("JSON", links.result, `misure-${id.slice(0, 8)}.json`));
  }
}

/** A bar by SVG attributes: inline styles are not allowed here. */
function bar(value, tau) {
  const part = (tag, attributes) => {
    const made = document.createElementNS(SVG, tag);
    for (const [name, given] of Object.entries(attributes)) made.setAttribute(name, given);
    return made;
  };
  const drawn = part("svg", { viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" });
  drawn.append(
    part("rect", { class: "track", width: 100, height: 8 }),
    part("rect", { class: "value", width: 100 * (value ?? 0), height: 8 }),
  );
  if (tau !== null) drawn.append(part("line", { class: "tau", x1: 100 * tau, x2: 100 * tau, y1: 0, y2: 8, "vector-effect": "non-scaling-stroke" }));
  return drawn;
}
