// Draws /openapi.json. Text goes in as text alone, so that nothing in the document can become markup.
"use strict";

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function resolved(schema, root) {
  if (!schema || !schema.$ref) return schema;
  return schema.$ref.split("/").slice(1).reduce((place, key) => place[key], root);
}

function typeOf(schema, root) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.contentSchema) return `JSON text: ${typeOf(schema.contentSchema, root)}`;
  if (schema.format === "binary" || schema.contentMediaType === "application/octet-stream") return "file";
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.anyOf) return schema.anyOf.map((one) => typeOf(one, root)).join(" | ");
  if (schema.type === "array") return schema.items ? `list of ${typeOf(schema.items, root)}` : "list";
  return schema.type || "any";
}

function fieldsTable(schema, root, seen = new Set()) {
  const found = resolved(schema, root);
  if (!found || !found.properties) return null;
  const table = element("table", {}, element("tr", {}, ...["name", "type", ""].map((text) => element("th", {}, text))));
  const nested = [];
  for (const [name, field] of Object.entries(found.properties)) {
    const required = (found.required || []).includes(name) ? " (required)" : "";
    const fallback = field.default !== undefined && field.default !== null ? `Default: ${JSON.stringify(field.default)}` : "";
    table.append(element("tr", {},
      element("td", {}, element("code", {}, name), required),
      element("td", {}, typeOf(field, root)),
      element("td", {}, [field.description, fallback].filter(Boolean).join(". "))));
    for (const one of [field, field.items, field.contentSchema, ...(field.anyOf || [])]) {
      if (one && one.$ref && !seen.has(one.$ref)) { seen.add(one.$ref); nested.push(one); }
    }
  }
  const parts = [table];
  for (const one of nested) {
    const inner = fieldsTable(one, root, seen);
    if (inner) parts.push(element("h4", {}, one.$ref.split("/").pop()), inner);
  }
  return element("div", {}, ...parts);
}

function parametersTable(parameters, root) {
  if (!parameters || !parameters.length) return null;
  const rows = parameters.map((one) => element("tr", {},
    element("td", {}, element("code", {}, one.name), one.required ? " (required)" : ""),
    element("td", {}, `${one.in}, ${typeOf(one.schema, root)}`),
    element("td", {}, one.description || (one.schema && one.schema.description) || "")));
  return element("div", {}, element("h4", {}, "Parameters"), element("table", {}, ...rows));
}

function contentOf(content, root, title) {
  if (!content) return null;
  const parts = [];
  for (const [type, value] of Object.entries(content)) {
    parts.push(element("h4", {}, `${title}: ${type}`));
    const table = fieldsTable(value.schema, root);
    if (table) parts.push(table);
  }
  return element("div", {}, ...parts);
}

function drawn(path, verb, operation, root) {
  const id = `${verb}${path}`.replace(/[^a-z0-9]+/gi, "-");
  const body = element("div", {},
    element("p", {}, operation.description || operation.summary || ""),
    operation.security ? element("p", { class: "note" }, "Needs an API key where the operator asks for keys.") : null,
    parametersTable(operation.parameters, root),
    operation.requestBody ? contentOf(operation.requestBody.content, root, "Body") : null);
  for (const [status, answer] of Object.entries(operation.responses)) {
    body.append(element("h4", {}, `${status === "default" ? "Otherwise" : status} ${answer.description}`));
    const content = contentOf(answer.content, root, "Answer");
    if (content) body.append(content);
  }
  const title = element("summary", {}, element("h3", {}, element("span", { class: `verb ${verb}` }, verb.toUpperCase()), element("code", {}, path)));
  return { id, label: `${verb.toUpperCase()} ${path}`, node: element("article", { id }, element("details", {}, title, body)) };
}

async function draw() {
  const answer = await fetch("/openapi.json");
  const root = await answer.json();
  document.getElementById("about").textContent = `${root.info.summary} ${root.info.description} Version ${root.info.version}.`;
  const groups = new Map();
  for (const [path, operations] of Object.entries(root.paths)) {
    for (const [verb, operation] of Object.entries(operations)) {
      const group = (operation.tags || ["other"])[0];
      if (!groups.has(group)) groups.set(group, []);
      groups.get(group).push(drawn(path, verb, operation, root));
    }
  }
  const contents = element("ul");
  for (const [group, items] of groups) {
    document.getElementById("operations").append(element("section", {}, element("h2", {}, group), ...items.map((item) => item.node)));
    for (const item of items) contents.append(element("li", {}, element("a", { href: `#${item.id}` }, item.label)));
  }
  document.getElementById("contents").append(contents);
  document.addEventListener("click", (event) => {
    const target = event.target.closest("nav a");
    if (target) document.querySelector(`${target.getAttribute("href")} details`).open = true;
  });
}

draw().catch((error) => { document.getElementById("about").textContent = `The document could not be read: ${error}`; });
