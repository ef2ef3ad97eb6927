// Server-sent events by fetch: EventSource cannot send an API key.

import { ProblemError, request } from "./api.js";

const AGAIN_MS = 1000;

/** Calls heard(event, data) for every event of a job until its stream ends with a final state; goes on where a cut stream stopped. */
export async function follow(path, heard, signal) {
  let last = 0;
  let ended = false;
  while (!ended) {
    try {
      const response = await request(path, { headers: last ? { "Last-Event-ID": String(last) } : {}, signal });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        text += value;
        const parts = text.split("\n\n");
        text = parts.pop();
        for (const part of parts) {
          const event = parsed(part);
          if (event === null) continue;
          last = event.id;
          ended = heard(event.name, event.data) || ended;
        }
      }
    } catch (error) {
      if (error.name === "AbortError") return;
      if (error instanceof ProblemError && error.status !== 0 && error.status < 500) throw error;
    }
    if (!ended) await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

function parsed(part) {
  const fields = Object.fromEntries(
    part.split("\n").filter((line) => line.includes(": ") && !line.startsWith(":")).map((line) => {
      const at = line.indexOf(": ");
      return [line.slice(0, at), line.slice(at + 2)];
    }),
  );
  return fields.data === undefined ? null : { id: Number(fields.id), name: fields.event, data: JSON.parse(fields.data) };
}
