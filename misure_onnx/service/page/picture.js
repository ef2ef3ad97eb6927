// The picture with what the model finds in it: hover, click, highlight.

export const LARGEST = 1024; // pixels of a canvas's longer side: large photos are drawn smaller

/** How much smaller than the image a canvas is drawn. */
export const scaleOf = (width, height) => Math.min(1, LARGEST / Math.max(width, height));

/** The numbers R + 256 G of a PNG that carries numbers. */
export async function numbersOf(dataUri) {
  const blob = await (await decoded(dataUri)).blob();
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const data = pixelsOf(bitmap);
  const numbers = new Uint16Array(bitmap.width * bitmap.height);
  for (let at = 0; at < numbers.length; at += 1) numbers[at] = data[4 * at] + 256 * data[4 * at + 1];
  return { numbers, width: bitmap.width, height: bitmap.height };
}

function decoded(dataUri) {
  // fetch() of a data URI is a connection, which the content security policy allows to this service alone.
  const bytes = Uint8Array.from(atob(dataUri.slice(dataUri.indexOf(",") + 1)), (character) => character.charCodeAt(0));
  return new Response(bytes, { headers: { "Content-Type": "image/png" } });
}

/** RGBA bytes of a bitmap, drawn at a size. */
export function pixelsOf(bitmap, width = bitmap.width, height = bitmap.height) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
  context.imageSmoothingEnabled = false;
  context.drawImage(bitmap, 0, 0, width, height);
  return context.getImageData(0, 0, width, height).data;
}

export class Picture {
  /** chosen and hovered are called with an object's number, 0 where there is none. */
  constructor(canvas, chosen, hovered) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.map = null;
    this.selected = new Set();
    this.under = 0;
    canvas.addEventListener("click", (event) => this.map && chosen(this.at(event)));
    canvas.addEventListener("pointermove", (event) => this.hover(this.map ? this.at(event) : 0, hovered));
    canvas.addEventListener("pointerleave", () => this.hover(0, hovered));
  }

  /** A new image, nothing found in it yet. */
  show(bitmap) {
    const scale = scaleOf(bitmap.width, bitmap.height);
    this.canvas.width = Math.round(bitmap.width * scale);
    this.canvas.height = Math.round(bitmap.height * scale);
    this.bitmap = bitmap;
    this.map = null;
    this.select([]);
  }

  find(map) {
    this.map = map;
    this.under = 0;
    this.draw();
  }

  /** Marks objects by their numbers. */
  select(numbers) {
    this.selected = new Set(numbers);
    this.draw();
  }

  hover(number, hovered) {
    if (number === this.under) return;
    this.under = number;
    hovered(number);
    this.draw();
  }

  /** The object's number under a pointer. The canvas has no border, so its box is its content. */
  at(event) {
    const box = this.canvas.getBoundingClientRect();
    const x = Math.floor(((event.clientX - box.left) / box.width) * this.map.width);
    const y = Math.floor(((event.clientY - box.top) / box.height) * this.map.height);
    if (x < 0 || y < 0 || x >= this.map.width || y >= this.map.height) return 0;
    return this.map.numbers[y * this.map.width + x];
  }

  draw() {
    const { width, height } = this.canvas;
    this.context.drawImage(this.bitmap, 0, 0, width, height);
    if (!this.map) return;
    const layer = new ImageData(this.map.width, this.map.height);
    this.map.numbers.forEach((number, at) => {
      if (!number) return layer.data.set([0, 0, 0, 110], 4 * at);
      const marked = this.selected.has(number);
      const strength = marked ? 150 : number === this.under ? 110 : 55;
      layer.data.set(marked ? [255, 209, 102, strength] : [80, 170, 255, strength], 4 * at);
    });
    const small = new OffscreenCanvas(layer.width, layer.height);
    small.getContext("2d").putImageData(layer, 0, 0);
    this.context.imageSmoothingEnabled = false;
    this.context.drawImage(small, 0, 0, width, height);
  }
}
