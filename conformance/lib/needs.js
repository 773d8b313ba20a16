// What a test needs of the system.
import { existsSync } from "node:fs";
import path from "node:path";

// need returns the reason for skipping what needs files that are not there, or false. A
// name without a slash is a command. In CI nothing may be skipped.
export function need(packages, ...files) {
  if (files.every(found)) {
    return false;
  }
  const reason = `it needs the packages ${packages}`;
  if (process.env.CI === "true") {
    throw new Error(reason);
  }
  console.error(`!! SKIPPED: ${reason}`);
  return reason;
}

function found(file) {
  const folders = file.includes("/") ? [""] : process.env.PATH.split(path.delimiter);
  return folders.some((folder) => existsSync(path.join(folder, file)));
}
