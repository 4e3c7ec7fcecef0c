/** That of `node:crypto`. Importing that module by name loads Web Crypto as well, in which the event loop would stand. */
export const createHash: typeof import("node:crypto").createHash = (...of) =>
  process.getBuiltinModule("node:crypto").createHash(...of);
