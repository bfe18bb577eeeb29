// Writes an AsyncAPI document as one static page: no script, no outside resource, every
// channel, field, value and example. It reads the document with the parser of the
// AsyncAPI project and the schemas beside it.
//
//   node page.mjs FILE PAGE            writes the page
//   node page.mjs --check FILE PAGE    exit status 1 when the page is not up to date
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

import { Parser, fromFile } from "@asyncapi/parser";

const args = process.argv.slice(2);
const check = args[0] === "--check" && args.shift() !== undefined;
const [file, page] = args;
if (!file || !page) {
  console.error("usage: node page.mjs [--check] FILE PAGE");
  process.exit(2);
}

const escape = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
const code = (text) => `<code>${escape(text)}</code>`;
const inline = (text) =>
  escape(text).replace(/`([^`]+)`/g, "<code>$1</code>").replace(/\*\*([^*]+)\*\*/g, "<strong>$1</strong>");

// prose turns the little Markdown that descriptions have into HTML.
function prose(text = "") {
  return text.trim().split(/\n\s*\n/).filter(Boolean).map((block) => {
    const lines = block.split("\n");
    if (!lines[0].startsWith("- ")) return `<p>${inline(lines.join(" "))}</p>`;
    const items = block.split(/^- /m).filter(Boolean).map((item) => `<li>${inline(item.trim().replace(/\s+/g, " "))}</li>`);
    return `<ul>${items.join("")}</ul>`;
  }).join("\n");
}

// meanings lists the values of an enumeration with what its definition says of each, as
// "value: meaning."; undefined when it says nothing.
function meanings({ enum: words, about = "" }) {
  const next = words.map((w) => ` ${w}: `).join("|");
  const items = words.map((w) => [w, about.match(new RegExp(` ${w}: (.*?)\\.?(?=${next}|$)`))?.[1]]);
  return items.some(([, text]) => text) && `<ul class="values">${items.map(([w, text]) => `<li>${code(w)} ${inline(text ?? "")}</li>`).join("")}</ul>`;
}

// values says what a schema allows besides its type.
function values(schema) {
  const list = schema.enum && meanings(schema);
  if (list) return list;
  const say = [];
  if (schema.const !== undefined) say.push(`always ${code(JSON.stringify(schema.const))}`);
  if (schema.enum) say.push(`one of ${schema.enum.map((v) => code(v)).join(", ")}`);
  if (schema.pattern) say.push(`matches ${code(schema.pattern)}`);
  if (schema.minimum !== undefined) say.push(`from ${code(schema.minimum)}`);
  if (schema.maxItems !== undefined) say.push(`at most ${code(schema.maxItems)}`);
  return say.length ? `<div class="values">${say.join("; ")}</div>` : "";
}

// fields lists the fields of an object, those of objects within it after it.
function fields(root, schema, path = "") {
  const resolve = (s) => {
    if (!s.$ref) return s;
    const { description: about, ...rest } = root.$defs[s.$ref.split("/").at(-1)];
    return { ...rest, ...s, about, description: s.description ?? about };
  };
  const rows = [];
  for (const [name, raw] of Object.entries(schema.properties ?? {})) {
    const field = resolve(raw);
    const inner = field.type === "array" ? resolve(field.items) : field;
    const type = field.type === "array" ? `${inner.type}[]` : field.format ?? field.type;
    const needed = schema.required?.includes(name) ? '<span class="needed">always</span>' : "";
    rows.push(
      `<tr><td>${code(path + name)} ${needed}</td><td>${escape(type ?? "")}</td>` +
        `<td>${inline(field.description ?? "")}${values(field)}${inner === field ? "" : values(inner)}</td></tr>`,
    );
    if (inner.properties) rows.push(...fields(root, inner, `${path}${name}${field.type === "array" ? "[]" : ""}.`));
  }
  return rows;
}

const table = (head, rows) =>
  `<div class="wide"><table><thead><tr>${head.map((h) => `<th>${h}</th>`).join("")}</tr></thead><tbody>\n${rows.join("\n")}\n</tbody></table></div>`;

async function message(m, id) {
  const schema = JSON.parse(await readFile(join(dirname(file), "schema", `${m.name().split(".").at(-1)}-event.json`), "utf8"));
  const headers = m.headers().json();
  const out = [
    `<h3 id="${id}-fields">${escape(m.title())} ${code(m.name())}</h3>`, prose(m.summary()), prose(schema.description),
    "<h4>Headers</h4>", table(["header", "type", "meaning"], fields({}, headers)),
    "<h4>Body</h4>", table(["field", "type", "meaning"], fields(schema, schema)),
    `<h4 id="${id}-examples">Examples</h4>`,
  ];
  for (const example of m.examples()) {
    out.push(`<details><summary>${code(example.name())} ${inline(example.summary())}</summary><pre>${escape(JSON.stringify(example.payload(), null, 2))}</pre></details>`);
  }
  return out.join("\n");
}

const { document } = await fromFile(new Parser(), file).parse({ source: pathToFileURL(file).pathname });
if (!document) {
  console.error(`${file} is not an AsyncAPI document: see validate.mjs`);
  process.exit(1);
}
const info = document.info();
const menu = [];
const body = [];
for (const operation of document.operations()) {
  const [channel] = operation.channels().all();
  const id = channel.id();
  const title = channel.json().title;
  menu.push(`<li><a href="#${id}">${escape(title)}</a> <a href="#${id}-fields">fields</a> <a href="#${id}-examples">examples</a></li>`);
  body.push(
    `<section><h2 id="${id}">${escape(title)}</h2>`, `<p class="address">${code(channel.address())}</p>`, prose(channel.description()),
    `<p><strong>${escape(operation.json().title)}.</strong> ${inline(operation.summary())}</p>`,
    table(["parameter", "meaning", "for example"], channel.parameters().all().map((p) =>
      `<tr><td>${code(p.id())}</td><td>${inline(p.description().trim())}</td><td>${p.json().examples.map(code).join(", ")}</td></tr>`)),
  );
  for (const m of operation.messages()) body.push(await message(m, id));
  body.push("</section>");
}
const servers = document.servers().all().map((s) => prose(s.description())).join("\n");
const security = document.components().securitySchemes().all().map((s) => `<li>${inline(s.description())}</li>`).join("");

const html = `<!doctype html>
<!-- Made from asyncapi.yaml by .ci/asyncapi/page.mjs: do not edit. -->
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escape(info.title())} ${escape(info.version())}</title>
<style>
:root { color-scheme: light dark; --line: light-dark(#d8dce2, #3a3f47); --soft: light-dark(#f4f6f8, #22262c); --dim: light-dark(#5a6472, #9aa4b2); --link: light-dark(#0b57a4, #7db7f5) }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 1rem; background: light-dark(#fff, #16191d); color: light-dark(#1b1f24, #e4e7eb) }
h1, h2, h3, h4 { line-height: 1.2; margin: 1.6em 0 .4em } h1 { margin-top: .4em } h2 { border-top: 1px solid var(--line); padding-top: 1em }
a { color: var(--link) } code, pre { font: .875em/1.45 ui-monospace, monospace } code { background: var(--soft); padding: .1em .3em; border-radius: 3px; overflow-wrap: anywhere }
pre { background: var(--soft); padding: .8em; overflow-x: auto; border-radius: 4px } .address code { font-size: 1rem }
.wide { overflow-x: auto } table { border-collapse: collapse; width: 100% } th, td { text-align: left; vertical-align: top; padding: .35em .6em .35em 0; border-bottom: 1px solid var(--line) }
th, .values { color: var(--dim); font-weight: normal } .values { font-size: .9em } ul.values { margin: .3em 0; padding-left: 1.2em } .needed { color: var(--dim); font-size: .8em } summary { cursor: pointer; padding: .2em 0 }
nav ul { list-style: none; padding: 0 } nav li a + a { font-size: .9em; margin-left: .6em }
</style>
</head>
<body>
<h1>${escape(info.title())}</h1>
<p>Version ${escape(info.version())}. The source of this page for tools: <a href="asyncapi.yaml">asyncapi.yaml</a>. <a href="README.md">Guide</a>.</p>
${prose(info.description())}
<nav><ul>
${menu.join("\n")}
</ul></nav>
<h2 id="server">Where</h2>
${servers}
<ul>${security}</ul>
${body.join("\n")}
</body>
</html>
`;

if (!check) {
  await writeFile(page, html);
  console.log(`${page}: ${html.length} characters`);
} else if ((await readFile(page, "utf8").catch(() => "")) !== html) {
  console.error(`${page} is out of date: run "node .ci/asyncapi/page.mjs ${file} ${page}" and commit the result`);
  process.exit(1);
}
