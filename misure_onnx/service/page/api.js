// Requests to this service. A key, where one is asked for, lives in the tab's session storage.

const KEY = "misure.key";

export class ProblemError extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

export function setKey(key) {
  sessionStorage.setItem(KEY, key);
}

function headers(more = {}) {
  const key = sessionStorage.getItem(KEY);
  return key ? { ...more, "X-API-Key": key } : more;
}

/** A response that succeeded; else a ProblemError with the service's own words. */
export async function request(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { ...options, headers: headers(options.headers) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ProblemError(0, "The service does not answer. Is it still running?");
  }
  if (!response.ok) throw new ProblemError(response.status, await detailOf(response));
  return response;
}

async function detailOf(response) {
  try {
    const problem = await response.json();
    const errors = (problem.errors ?? []).map((error) => error.msg ?? error.detail).filter(Boolean);
    return [problem.detail ?? problem.title, ...errors].join("; ");
  } catch {
    return `The service answered ${response.status}.`;
  }
}

export async function json(path, options) {
  return (await request(path, options)).json();
}

/** A file of the service as a bitmap of numbers or of a picture. */
export async function bitmap(path) {
  const blob = await (await request(path)).blob();
  return createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
}

/** Posts an image and a spec, as multipart. */
export async function post(path, image, spec, more = {}) {
  const form = new FormData();
  form.append("spec", JSON.stringify(spec));
  form.append("image", image, image.name ?? "image");
  return json(path, { method: "POST", body: form, headers: more });
}

/** Saves a file of the service under a name; a plain link could not carry the key. */
export async function download(path, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await (await request(path)).blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Random, also where the page came over plain HTTP and crypto.randomUUID is missing. */
export function randomName() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
