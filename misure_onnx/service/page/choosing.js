// The four choices: model, image, object, methods.

import { element, fill, number, percent } from "./dom.js";

const FIRST = ["misure", "sufficient_region", "rise", "seg_grad_cam"];
const CHOSEN = ["misure", "sufficient_region"];

export function fillModels(select, models) {
  fill(select, ...models.map((model) => element("option", { value: model.id, disabled: !model.ready }, model.name + (model.ready ? "" : model.error ? " (cannot be used)" : " (getting ready)"))));
  const usable = models.find((model) => model.ready);
  if (usable) select.value = usable.id;
}

export function modelFacts(model) {
  if (!model) return "";
  if (!model.ready) return model.error ?? "A worker is looking at it.";
  const names = (model.classes ?? []).filter((one) => one.index !== model.background).map((one) => one.name ?? `class ${one.index}`);
  const shown = names.slice(0, 6).join(", ") + (names.length > 6 ? ` and ${names.length - 6} more` : "");
  const size = model.size ? ` Input ${model.size[1]} × ${model.size[0]}.` : "";
  return `Finds ${shown}.${size} Runs on ${(model.providers_used ?? []).map((name) => name.replace("ExecutionProvider", "")).join(", ")}.`;
}

/** What can be explained: every object, and where a class has several, all of them together. */
export function choicesOf(prediction) {
  const all = prediction.image_size[0] * prediction.image_size[1];
  const objects = prediction.objects.map((one) => ({
    target: { component: one.number },
    numbers: [one.number],
    label: `${one.number}. ${one.label}`,
    facts: `${percent(one.pixels / all)} of the image, mean probability ${number(one.score)}`,
  }));
  const classes = [...new Set(prediction.objects.map((one) => one.class_index))].map((index) => prediction.objects.filter((one) => one.class_index === index));
  const together = classes.filter((members) => members.length > 1).map((members) => ({
    target: { class: members[0].class_index },
    numbers: members.map((one) => one.number),
    label: `all ${members.length}: ${members[0].class_name ?? `class ${members[0].class_index}`}`,
    facts: "the whole class, as one",
  }));
  return [...objects, ...together];
}

/** A button each, so that no mouse is needed. */
export function fillObjects(group, choices, choose) {
  if (!choices.length) return fill(group, element("p", {}, "The model finds no object in this image."));
  return fill(group, ...choices.map((one) =>
    element("button", { type: "button", "aria-pressed": "false", onclick: () => choose(one) }, one.label, element("small", {}, one.facts))));
}

export function markObject(group, choices, chosen) {
  group.querySelectorAll("button").forEach((button, at) => button.setAttribute("aria-pressed", String(choices[at] === chosen)));
}

export function fillMethods(first, more, methods, changed) {
  const [front, back] = [methods.filter((one) => FIRST.includes(one.name)), methods.filter((one) => !FIRST.includes(one.name))];
  front.sort((a, b) => FIRST.indexOf(a.name) - FIRST.indexOf(b.name));
  fill(first, ...front.map((method) => choice(method, changed)));
  fill(more, ...back.map((method) => choice(method, changed)));
}

function choice(method, changed) {
  const id = `method-${method.name}`;
  const presets = Object.keys(method.presets);
  return element("div", { class: "method" },
    element("input", { type: "checkbox", id, value: method.name, checked: CHOSEN.includes(method.name), onchange: changed }),
    element("label", { for: id }, method.name.replaceAll("_", " ")),
    element("small", {}, method.summary),
    presets.length > 1
      ? element("select", { "aria-label": `Preset of ${method.name}`, "data-preset": method.name },
          ...presets.map((name) => element("option", { value: name, selected: name === method.default_preset }, name)))
      : null);
}

export function chosenMethods() {
  return [...document.querySelectorAll(".method input:checked")].map((box) => ({
    method: box.value,
    preset: document.querySelector(`select[data-preset="${box.value}"]`)?.value ?? null,
  }));
}
