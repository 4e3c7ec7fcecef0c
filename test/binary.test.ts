/** What is said where there is no binary for a machine. */
import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";

/** What importing the package throws on a machine that `disguise` makes this process believe to be on. */
function importedOn(disguise: string): { code: string; message: string; libc?: string } {
  const script = `
    ${disguise}
    import("./dist/index.js").then(
      () => console.log("{}"),
      ({ code, message, libc }) => console.log(JSON.stringify({ code, message, libc })),
    );`;
  const { stdout, stderr } = spawnSync(process.execPath, ["-e", script], { encoding: "utf8" });
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout) as { code: string; message: string };
}

const pretend = (values: Record<string, string>) =>
  Object.entries(values)
    .map(([name, value]) => `Object.defineProperty(process, "${name}", { value: "${value}" });`)
    .join("\n");
const pretendLibrary = (header: object) =>
  `process.report.getReport = () => (${JSON.stringify({ header, sharedObjects: [] })});`;

it("loads here", () => {
  expect(importedOn("")).toEqual({});
});
it("names a machine that has no binary, and what to do", () => {
  const { code, message } = importedOn(pretend({ platform: "freebsd", arch: "riscv64" }));
  expect(code).toBe("ERR_EPROP_BINARY");
  expect(message).toMatch(
    /no binary for this machine \(platform freebsd, architecture riscv64, Node [\d.]+\)/,
  );
  expect(message).toContain("linux-x64-gnu, linux-x64-musl");
  expect(message).toMatch(/Rust 1\.88.*npm run build/);
});
it("names the C library", () => {
  const glibc =
    pretend({ platform: "linux", arch: "s390x" }) + pretendLibrary({ glibcVersionRuntime: "2.17" });
  expect(importedOn(glibc)).toMatchObject({
    libc: "glibc",
    message: expect.stringContaining("architecture s390x, C library glibc 2.17") as string,
  });
  const musl = pretend({ platform: "linux", arch: "s390x" }) + pretendLibrary({});
  expect(importedOn(musl)).toMatchObject({
    libc: "musl",
    message: expect.stringContaining("C library musl") as string,
  });
});
it("says which package is missing where there is a binary for the machine", () => {
  const { message } = importedOn(pretend({ platform: "win32", arch: "x64" }));
  expect(message).toContain("is not installed");
  expect(message).toContain("eprop-win32-x64-msvc");
  expect(message).toContain("--omit=optional");
});
it("says why a binary cannot be loaded", () => {
  const broken = `process.dlopen = () => {
    throw Object.assign(new Error("GLIBC_2.99 not found"), { code: "ERR_DLOPEN_FAILED" });
  };`;
  const { code, message } = importedOn(broken);
  expect(code).toBe("ERR_EPROP_BINARY");
  expect(message).toContain("GLIBC_2.99 not found");
});
