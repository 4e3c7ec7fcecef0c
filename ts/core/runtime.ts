/** Refuses, before anything else is loaded, to run where eprop cannot. */

/** The oldest Node that eprop runs in, as package.json says, too. */
export const neededNode = "20.19";

/** What is said where there is no process, and by the entries that bundlers take for browsers (scripts/browser.mjs). */
export const notInBrowsers =
  "eprop runs in Node, Bun and Deno, with a binary of its own, and not in browsers: call it on a server";

function problem(): string | undefined {
  const node = typeof process === "undefined" ? undefined : process.versions?.node;
  if (node === undefined) return notInBrowsers;
  const [major = 0, minor = 0] = node.split(".").map(Number);
  const [neededMajor = 0, neededMinor = 0] = neededNode.split(".").map(Number);
  if (major > neededMajor || (major === neededMajor && minor >= neededMinor)) return undefined;
  return `eprop needs Node ${neededNode} or newer, and this is Node ${node}: update it (https://nodejs.org)`;
}

const found = problem();
if (found !== undefined) {
  throw Object.assign(new Error(found), { name: "RuntimeError", code: "ERR_EPROP_RUNTIME" });
}
