// Validates an AsyncAPI document with the parser of the AsyncAPI project.
//
//   node validate.mjs FILE
//
// Prints every error and warning with its line and column. Exit status 1 when
// there is an error, or when the document cannot be read.
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

import { Parser, fromFile } from "@asyncapi/parser";

const names = ["error", "warning", "information", "hint"];
const file = process.argv[2];
if (!file) {
  console.error("usage: node validate.mjs FILE");
  process.exit(2);
}

await readFile(file).catch((error) => {
  console.error(`read ${file}: ${error.code}`);
  process.exit(1);
});

// References to other files resolve from the place of the document.
const { document, diagnostics } = await fromFile(new Parser(), file).parse({
  source: pathToFileURL(file).pathname,
});

const count = [0, 0, 0, 0];
for (const { severity, code, message, path, range } of diagnostics) {
  count[severity]++;
  if (severity <= 1) {
    const place = `${file}:${range.start.line + 1}:${range.start.character + 1}`;
    console.log(`${place}: ${names[severity]}: ${message} [${code}] at /${path.join("/")}`);
  }
}
console.log(`${file}: ${count[0]} errors, ${count[1]} warnings`);

if (count[0] > 0 || !document) {
  process.exit(1);
}
console.log(
  `AsyncAPI ${document.version()}: ${document.channels().length} channels, ` +
    `${document.operations().length} operations, ${document.allMessages().length} messages`,
);
