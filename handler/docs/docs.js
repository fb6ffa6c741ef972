"use strict";

// make builds an element: make("p", {className: "x"}, "text", child).
function make(name, properties, ...children) {
  const e = Object.assign(document.createElement(name), properties);
  e.append(...children);
  return e;
}

const byID = (id) => document.getElementById(id);
const pretty = (value) => JSON.stringify(value, null, 2);

// send asks the service that this page came from, whatever prefix it lies behind.
async function send(method, path, body) {
  const start = performance.now();
  const options = { method, headers: { Accept: "application/json" } };
  if (body !== undefined) {
    options.body = body;
    options.headers["Content-Type"] = "application/json";
  }
  const answer = await fetch("." + path, options);
  const text = await answer.text();
  let value;
  try { value = JSON.parse(text); } catch { value = undefined; }
  return { status: answer.status, ok: answer.ok, text, value, headers: answer.headers, took: performance.now() - start };
}

function resolve(spec, schema) {
  return schema && schema.$ref ? spec.components.schemas[schema.$ref.split("/").pop()] : schema;
}

function drawHeader(spec) {
  const model = spec["x-model"];
  document.title = spec.info.title;
  byID("title").textContent = spec.info.title;
  byID("description").textContent = spec.info.description;
  for (const text of [model.name, model.version, model.kind, "sha256 " + model.sha256.slice(0, 12)]) {
    byID("chips").append(make("span", { className: "chip" }, text));
  }
}

function drawModel(model) {
  const table = make("table", { className: "model" });
  const row = (name, ...cells) => table.append(make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, ...cells)));
  for (const input of model.inputs) {
    const parts = [make("code", {}, `${input.name} ${input.datatype} ${input.shape}`)];
    if (input.features) parts.push(make("br"), input.features.join(", "));
    if (input.categories) parts.push(make("br"), input.categories.slice(0, 256).join(", "));
    if (input.missing) parts.push(make("br"), "null is a missing value");
    row("Input", ...parts);
  }
  for (const output of model.outputs) {
    const parts = [make("code", {}, `${output.name} ${output.datatype} ${output.shape}`)];
    if (output.labels) parts.push(make("br"), "columns: " + output.labels.map((l) => named(model, l)).join(", "));
    row("Output", ...parts);
  }
  if (model.classes) row("Classes", model.classes.map((c) => named(model, c)).join(", "));
  for (const [key, value] of Object.entries(model.metadata || {})) {
    if (!["title", "version", "feature_names", "class_names"].includes(key)) row(key.replaceAll("_", " "), value);
  }
  byID("model").append(table);
}

// named gives a class label with what the metadata calls it.
function named(model, label) {
  const k = (model.classes || []).indexOf(String(label));
  const name = k >= 0 && model.class_names ? model.class_names[k] : undefined;
  return name === undefined || name === String(label) ? String(label) : `${label} (${name})`;
}

// examples are the bodies that the model has answered, by name.
function examples(operation, status) {
  const holder = status ? operation.responses[status] : operation.requestBody;
  const content = holder && holder.content && holder.content["application/json"];
  return (content && content.examples) || {};
}

// fieldsOf lists the single values of a row: where each lies, what it is called, and its value in the example.
function fieldsOf(model, row) {
  const fields = [];
  const add = (input, path, name, value, column) => {
    const of = input.columns && input.columns[column];
    fields.push({ path, categories: (of && of.categories) || (input.width === 1 && input.categories) || undefined, name, text: input.datatype === "BYTES", flag: input.datatype === "BOOL", missing: input.missing, value });
  };
  for (const input of model.inputs) {
    const alone = model.inputs.length === 1;
    const values = alone ? row : row[input.name];
    if (!Array.isArray(values)) {
      add(input, [input.name], input.name, values, 0);
      continue;
    }
    values.forEach((value, k) => {
      const name = input.features ? input.features[k] : values.length === 1 ? input.name : `${input.name}[${k}]`;
      add(input, alone ? [k] : [input.name, k], name, value, k);
    });
  }
  return fields;
}

// read gives the value that stands in a field; what is no number goes as it is, so that the service says what is wrong.
function read(field) {
  const text = field.box.value;
  if (field.text) return text === "" && field.value === null ? null : text;
  if (text.trim() === "") return null;
  if (field.flag) return text.trim() === "true" ? true : text.trim() === "false" ? false : text;
  const number = Number(text);
  return Number.isFinite(number) ? number : text;
}

function drawForm(spec) {
  const example = Object.values(examples(spec.paths["/predict"].post))[0];
  if (!example) return;
  const model = spec["x-model"];
  const row = example.value.x;
  const fields = fieldsOf(model, row);
  if (fields.length > 64 || fields.some((f) => typeof f.value === "object" && f.value !== null)) return;
  for (const field of fields) {
    field.box = make("input", { name: field.path.join("."), autocomplete: "off", spellcheck: false });
    if (field.missing) field.box.placeholder = "missing";
    if (field.categories) {
      const known = make("datalist", { id: "known-" + field.path.join(".") }, ...field.categories.slice(0, 256).map((c) => make("option", { value: c })));
      field.box.setAttribute("list", known.id);
      byID("fields").append(known);
    }
    byID("fields").append(make("label", {}, field.name, field.box));
  }
  const fill = () => {
    for (const field of fields) field.box.value = field.value === null ? "" : String(field.value);
    byID("outcome").replaceChildren();
  };
  fill();
  byID("reset").addEventListener("click", fill);
  byID("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const x = structuredClone(row);
    for (const field of fields) {
      let place = x;
      for (const step of field.path.slice(0, -1)) place = place[step];
      place[field.path.at(-1)] = read(field);
    }
    await predict(model, fields, JSON.stringify({ x }));
  });
  byID("try").hidden = false;
}

async function predict(model, fields, body) {
  const outcome = byID("outcome");
  for (const field of fields) field.box.classList.remove("wrong");
  try {
    const answer = await send("POST", "/predict", body);
    if (!answer.ok) {
      const { error, field } = answer.value || { error: answer.text };
      for (const f of fields) {
        const place = "x" + f.path.map((step) => (typeof step === "number" ? `[${step}]` : "." + step)).join("");
        if (place === field) f.box.classList.add("wrong");
      }
      outcome.replaceChildren(make("p", { className: "notice" }, error));
      return;
    }
    outcome.replaceChildren(...outcomeOf(model, answer.value), ...(answer.value.warnings || []).map((text) => make("p", { className: "notice" }, text)),
      make("p", { className: "meta" }, `version ${answer.value.version}, ${answer.took.toFixed(1)} ms from here`));
  } catch (error) {
    outcome.replaceChildren(make("p", { className: "notice" }, "no answer: " + error.message));
  }
}

function outcomeOf(model, answer) {
  if (answer.outputs) return [make("pre", {}, pretty(answer.outputs))];
  const value = Array.isArray(answer.prediction) ? answer.prediction.join(", ") : named(model, answer.prediction);
  const parts = [make("div", { className: "value" }, value)];
  if (answer.confidence !== undefined) {
    parts.push(make("progress", { max: 1, value: answer.confidence }), make("div", { className: "meta" }, `confidence ${answer.confidence}`));
  }
  return parts;
}

// curl is the command that sends the same.
function curl(method, path, body) {
  const url = new URL("." + path, location.href).href;
  if (body === undefined) return `curl ${url}`;
  return `curl -X ${method} ${url} \\\n  -H 'Content-Type: application/json' \\\n  -d '${body.replaceAll("'", "'\\''")}'`;
}

function drawRoute(spec, path, method, operation) {
  const inside = make("div", { className: "inside" });
  const route = make("details", { className: "route", id: operation.operationId },
    make("summary", {}, make("span", { className: "method " + method }, method.toUpperCase()), make("code", {}, path),
      make("span", { className: "what" }, operation.summary)), inside);
  if (operation.description) inside.append(make("p", { className: "meta" }, operation.description));
  let box;
  const command = make("pre");
  const body = () => (box ? box.value : undefined);
  const show = () => { command.textContent = curl(method.toUpperCase(), path, body()); };
  if (operation.requestBody) {
    const known = examples(operation);
    box = make("textarea", { spellcheck: false, rows: 8, ariaLabel: "body of the request" });
    const choice = make("select", { ariaLabel: "example" }, ...Object.keys(known).map((name) => make("option", {}, name)));
    const choose = () => { box.value = known[choice.value] ? compact(known[choice.value].value) : "{}"; show(); };
    choice.addEventListener("change", choose);
    box.addEventListener("input", show);
    choose();
    inside.append(make("h3", {}, "Request"), choice, box);
  }
  const answer = make("div");
  const button = make("button", { type: "button" }, "Send");
  button.addEventListener("click", () => sendAndShow(button, answer, method.toUpperCase(), path, body()));
  show();
  inside.append(make("p", { className: "actions" }, button), answer, make("h3", {}, "On the command line"), command, drawAnswers(spec, operation));
  return route;
}

// compact prints a body with its lists of plain values on one line.
function compact(value) {
  return pretty(value).replace(/\[\s+([^[\]{}]*?)\s+\]/g, (_, inner) => "[" + inner.replace(/,\s+/g, ", ") + "]");
}

async function sendAndShow(button, place, method, path, body) {
  button.disabled = true;
  try {
    const answer = await send(method, path, body);
    const headers = ["x-model-version", "x-color", "x-request-id", "retry-after"].filter((h) => answer.headers.get(h))
      .map((h) => `${h}: ${answer.headers.get(h)}`).join(" · ");
    place.replaceChildren(make("h3", {}, "Answer"),
      make("p", { className: "meta" }, make("span", { className: answer.ok ? "status" : "status bad" }, String(answer.status)),
        ` in ${answer.took.toFixed(1)} ms · ${headers}`),
      make("pre", {}, answer.value === undefined ? answer.text : compact(answer.value)));
  } catch (error) {
    place.replaceChildren(make("p", { className: "notice" }, "no answer: " + error.message));
  }
  button.disabled = false;
}

function drawAnswers(spec, operation) {
  const table = make("table");
  for (const [status, response] of Object.entries(operation.responses)) {
    table.append(make("tr", {}, make("td", {}, make("code", {}, status)), make("td", {}, response.description)));
  }
  const more = make("details", { className: "more" }, make("summary", {}, "Answers and schemas"), table);
  const schemas = { "the request": operation.requestBody, "200": operation.responses["200"] };
  for (const [name, holder] of Object.entries(schemas)) {
    const content = holder && holder.content && holder.content["application/json"];
    if (content) more.append(make("h3", {}, "Schema of " + name), make("pre", {}, pretty(resolve(spec, content.schema))));
  }
  return more;
}

async function draw() {
  const answer = await send("GET", "/openapi.json");
  if (!answer.ok || !answer.value) throw new Error(answer.text);
  const spec = answer.value;
  drawHeader(spec);
  drawForm(spec);
  drawModel(spec["x-model"]);
  for (const tag of spec.tags) {
    byID("routes").append(make("p", { className: "tag" }, make("b", {}, tag.name), " · " + tag.description));
    for (const [path, methods] of Object.entries(spec.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        if (operation.tags.includes(tag.name)) byID("routes").append(drawRoute(spec, path, method, operation));
      }
    }
  }
  document.body.dataset.ready = "true";
}

draw().catch((error) => {
  byID("failure").textContent = "openapi.json could not be read: " + error.message;
  byID("failure").hidden = false;
});
