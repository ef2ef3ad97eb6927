// What is drawn of an explanation: everything is fetched once, so that sliders ask nothing of the service.

import { bitmap, json } from "./api.js";
import { pixelsOf, scaleOf } from "./picture.js";

export const VIEWS = {
  region: ["Region", "Bright: the part that is enough for the model to find the object again. Outlined: the object as it was predicted."],
  seen: ["What the model gets", "The picture as the model gets it in the check: what lies outside the region is replaced, and shown black here."],
  map: ["Map", "How much every pixel matters by this method: dark to bright. Maps of different methods have different units."],
};

/** Inferno-like: dark violet to yellow, of rising lightness, so that it is read without colours too. */
const COLOURS = [[0, 0, 4], [66, 10, 104], [147, 38, 103], [221, 81, 58], [252, 165, 10], [252, 255, 164]];

export async function loadLayers(job) {
  const at = (name) => `${job.links.self}/artifacts/${name}`;
  const view = await json(at("view.json"));
  const names = [view.image, view.saliency.picture, view.regions.prediction, view.regions.minimal_region, view.dilations?.picture];
  const [image, ...pictures] = await Promise.all(names.map((name) => (name ? bitmap(at(name)) : null)));
  const scale = scaleOf(image.width, image.height);
  const [width, height] = [Math.round(image.width * scale), Math.round(image.height * scale)];
  const grey = (picture) => (picture ? pixelsOf(picture, width, height).filter((_, index) => index % 4 === 0) : null);
  const [saliency, prediction, region, dilations] = pictures.map(grey);
  return { view, width, height, image: pixelsOf(image, width, height), saliency, prediction, region, dilations };
}

/** Which pixels are shown: the method's region, a stage of growing, or the map above a threshold (0..255). */
export function chosenPixels(layers, { stage = null, threshold = null }) {
  if (stage !== null) return layers.dilations.map((first) => (first <= stage ? 1 : 0));
  if (threshold !== null) return layers.saliency.map((value) => (value >= threshold ? 1 : 0));
  return layers.region.map((value) => (value > 127 ? 1 : 0));
}

/** Area over the object's. */
export function ratioOf(layers, pixels) {
  let kept = 0;
  let object = 0;
  for (let at = 0; at < pixels.length; at += 1) {
    kept += pixels[at];
    object += layers.prediction[at] > 127 ? 1 : 0;
  }
  return object ? kept / object : 0;
}

export function draw(canvas, layers, view, pixels) {
  const { width, height, image, saliency, prediction } = layers;
  canvas.width = width;
  canvas.height = height;
  const drawn = new ImageData(width, height);
  for (let at = 0; at < pixels.length; at += 1) {
    const rgb = image.subarray(4 * at, 4 * at + 3);
    drawn.data.set(view === "map" ? heat(rgb, saliency[at]) : shown(rgb, pixels[at], view), 4 * at);
    drawn.data[4 * at + 3] = 255;
  }
  outline(drawn, prediction, width, height);
  canvas.getContext("2d").putImageData(drawn, 0, 0);
}

function shown(rgb, kept, view) {
  if (kept) return rgb;
  if (view === "seen") return [0, 0, 0];
  const grey = (rgb[0] * 0.3 + rgb[1] * 0.59 + rgb[2] * 0.11) * 0.3;
  return [grey, grey, grey];
}

function heat(rgb, value) {
  const place = (value / 255) * (COLOURS.length - 1);
  const low = Math.min(Math.floor(place), COLOURS.length - 2);
  const grey = rgb[0] * 0.3 + rgb[1] * 0.59 + rgb[2] * 0.11;
  return COLOURS[low].map((from, channel) => 0.75 * (from + (COLOURS[low + 1][channel] - from) * (place - low)) + 0.25 * grey);
}

/** The prediction's border, black beside white, so that it is seen on everything. */
function outline(drawn, prediction, width, height) {
  const inside = (x, y) => x >= 0 && y >= 0 && x < width && y < height && prediction[y * width + x] > 127;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const here = inside(x, y);
      const border = [[1, 0], [-1, 0], [0, 1], [0, -1]].some(([dx, dy]) => inside(x + dx, y + dy) !== here);
      if (border) drawn.data.set(here ? [255, 255, 255] : [0, 0, 0], 4 * (y * width + x));
    }
  }
}
