// The page: what follows what. Explanations stand in the address, so that a reload or a bookmark finds them again.

import { json, post, ProblemError, randomName, setKey } from "./api.js";
import { choicesOf, chosenMethods, fillMethods, fillModels, fillObjects, markObject, modelFacts } from "./choosing.js";
import { byId, element, fill } from "./dom.js";
import { VIEWS } from "./layers.js";
import { numbersOf, Picture } from "./picture.js";
import { Result } from "./result.js";

const READY_MS = 1000;
const state = { models: [], file: null, prediction: null, choices: [], chosen: null, results: [], view: "region" };
const picture = new Picture(byId("canvas"), clicked, hovered);

function alertUser(error) {
  if (error instanceof ProblemError && error.status === 401) return askForKey(error.message);
  byId("alert").textContent = error?.message ?? "";
  byId("alert").hidden = !error;
  return null;
}

/** Errors become words on the page; what was said before is taken back. */
const guarded = (action) => async (...given) => {
  alertUser(null);
  try {
    await action(...given);
  } catch (error) {
    alertUser(error);
  }
};

function askForKey(why) {
  byId("change-key").hidden = false;
  byId("key-why").textContent = why ?? "This service asks for a key. Its operator gives you one.";
  byId("key-dialog").showModal();
}

const start = guarded(async () => {
  const [{ models }, { methods }] = await Promise.all([json("v1/models"), json("v1/methods")]);
  fillMethods(byId("methods"), byId("more-methods"), methods, ready);
  showModels(models);
  await restore();
});

function showModels(models) {
  const before = byId("model").value;
  state.models = models;
  fillModels(byId("model"), models);
  if (models.some((model) => model.id === before && model.ready)) byId("model").value = before;
  byId("model-facts").textContent = modelFacts(chosenModel());
  if (models.some((model) => !model.ready && !model.error)) setTimeout(guarded(async () => showModels((await json("v1/models")).models)), READY_MS);
}

const chosenModel = () => state.models.find((model) => model.id === byId("model").value);

const open = guarded(async (file) => {
  if (!file) return;
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    throw new Error(`“${file.name}” is no picture that can be shown; PNG and JPEG are taken.`);
  }
  state.file = file;
  byId("picture").classList.remove("empty");
  byId("canvas").setAttribute("aria-label", `The image ${file.name}`);
  byId("image-facts").textContent = `${file.name}, ${bitmap.width} × ${bitmap.height}`;
  picture.show(bitmap);
  await predict();
});

const predict = guarded(async () => {
  state.prediction = state.chosen = null;
  ready();
  if (!state.file || !chosenModel()?.ready) return;
  const asked = { file: state.file, model: chosenModel().id };
  byId("objects").textContent = "The model is looking at the image …";
  let found;
  try {
    found = await post("v1/predictions", asked.file, { model: asked.model });
    while (found.objects === undefined) found = await later(`v1/predictions/${found.id}`);
  } catch (error) {
    byId("objects").textContent = "";
    throw error;
  }
  if (asked.file !== state.file || asked.model !== chosenModel().id) return; // another choice was made meanwhile
  state.prediction = found;
  state.choices = choicesOf(found);
  fillObjects(byId("objects"), state.choices, choose);
  picture.find(await numbersOf(found.objects_map));
  if (state.choices.length) choose(state.choices[0]);
});

async function later(path) {
  await new Promise((resolve) => setTimeout(resolve, READY_MS));
  return json(path);
}

function clicked(number) {
  if (number) choose(state.choices[number - 1]);
  else byId("under-cursor").textContent = "The model finds no object there: it is background, or smaller than 16 pixels.";
}

function hovered(number) {
  const found = state.prediction?.objects.find((one) => one.number === number);
  byId("under-cursor").textContent = found ? found.label : "\u00a0";
}

function choose(one) {
  state.chosen = one;
  markObject(byId("objects"), state.choices, one);
  picture.select(one.numbers);
  ready();
}

function ready() {
  const methods = chosenMethods();
  const missing = !state.file ? "Choose an image first." : !state.chosen ? "Choose an object first." : !methods.length ? "Choose a method first." : "";
  byId("explain").disabled = Boolean(missing);
  byId("explain-hint").textContent = missing;
}

const explain = guarded(async () => {
  byId("explain").disabled = true;
  try {
    const spec = { model: chosenModel().id, target: state.chosen.target };
    const jobs = [];
    for (const chosen of chosenMethods()) {
      // With a key of its own a request that is sent twice makes one job.
      jobs.push(await post("v1/explanations", state.file, { ...spec, ...chosen }, { "Idempotency-Key": randomName() }));
    }
    history.replaceState(null, "", `#${jobs.map((job) => job.id).join(",")}`);
    show(jobs);
  } finally {
    ready();
  }
});

function show(jobs) {
  state.results = jobs.map((job) => new Result(job, job.request.method.replaceAll("_", " "), alertUser));
  fill(byId("results"), ...state.results.map((result) => result.card));
  byId("results-section").hidden = false;
  byId("results-title").focus();
  for (const result of state.results) {
    result.show(state.view);
    result.watch();
  }
}

async function restore() {
  const ids = location.hash.slice(1).split(",").filter((id) => /^[0-9a-f]{32}$/.test(id));
  if (!ids.length) return;
  const jobs = await Promise.allSettled(ids.map((id) => json(`v1/explanations/${id}`)));
  const found = jobs.filter((job) => job.status === "fulfilled").map((job) => job.value);
  if (found.length < ids.length) alertUser(new Error("Some explanations of this address are no longer kept."));
  if (found.length) show(found);
}

function fillViews() {
  fill(byId("views"), ...Object.entries(VIEWS).map(([name, [label]]) =>
    element("label", {}, element("input", { type: "radio", name: "view", value: name, checked: name === state.view, onchange: () => setView(name) }), label)));
  setView(state.view);
}

function setView(name) {
  state.view = name;
  byId("view-meaning").textContent = VIEWS[name][1];
  for (const result of state.results) result.show(name);
}

function listen() {
  byId("model").addEventListener("change", () => { byId("model-facts").textContent = modelFacts(chosenModel()); predict(); });
  byId("file").addEventListener("change", (event) => open(event.target.files[0]));
  byId("explain").addEventListener("click", explain);
  byId("change-key").addEventListener("click", () => askForKey());
  byId("key-dialog").addEventListener("close", () => {
    if (byId("key-dialog").returnValue !== "use") return;
    setKey(byId("key").value);
    byId("key").value = "";
    start();
  });
  const drop = byId("drop");
  for (const name of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(name, (event) => { event.preventDefault(); drop.classList.toggle("over", name === "dragover"); });
  }
  document.addEventListener("drop", (event) => open(event.dataTransfer.files[0]));
}

fillViews();
listen();
ready();
start();
