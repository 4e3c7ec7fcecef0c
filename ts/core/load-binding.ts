/** Loading the engine's binary, and saying what to do where there is none. */

/** What the binary's loader has to know about this machine. */
export interface Machine {
  platform: string;
  arch: string;
  /** Version of glibc; undefined with another C library. */
  glibc: string | undefined;
}

/** There is no binary for this machine, it is not installed, or it cannot be loaded. */
export class BinaryError extends Error {
  override readonly name = "BinaryError";
  readonly code = "ERR_EPROP_BINARY";
  readonly platform: string;
  readonly arch: string;
  /** The C library, where it decides which binary is needed: `glibc` or `musl`. */
  readonly libc: "glibc" | "musl" | undefined;

  constructor(machine: Machine, binaries: readonly string[], cause: unknown) {
    super(message(machine, binaries, cause), { cause });
    this.platform = machine.platform;
    this.arch = machine.arch;
    this.libc = libc(machine);
  }
}

function libc({ platform, glibc }: Machine): "glibc" | "musl" | undefined {
  if (platform !== "linux") return undefined;
  return glibc === undefined ? "musl" : "glibc";
}

/** The name that the binary for that machine has, as in `eprop-linux-x64-gnu`. */
function binaryName(machine: Machine): string {
  const { platform, arch } = machine;
  const abi = { glibc: "gnu", musl: "musl", none: platform === "win32" ? "msvc" : undefined }[
    libc(machine) ?? "none"
  ];
  return [platform, arch, abi].filter((part) => part !== undefined).join("-");
}

/** What went wrong at each place that the generated loader tried: messages are all that it keeps. */
function failures(error: unknown): string[] {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error ? [cause.message, ...failures(cause)] : [];
}

/** Whether a bundler has moved the generated loader, or, as webpack does, taken the binary for a program's text. */
function isBundled(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (
    error.message.startsWith("Cannot find module './binding.cjs'") ||
    failures(error).some((failure) => failure.startsWith("Module parse failed"))
  );
}

function message(machine: Machine, binaries: readonly string[], cause: unknown): string {
  const { platform, arch, glibc } = machine;
  const library = { glibc: `, C library glibc ${glibc}`, musl: ", C library musl", none: "" }[
    libc(machine) ?? "none"
  ];
  const here = `platform ${platform}, architecture ${arch}${library}, Node ${process.versions.node}`;
  const build =
    "install Rust 1.88 or newer and run `npm ci && npm run build` in a checkout of eprop's repository";
  const binary = binaryName(machine);
  if (!binaries.includes(binary)) {
    return (
      `eprop has no binary for this machine (${here}).\n` +
      `There are binaries for ${binaries.join(", ")}.\n` +
      `To build one, ${build}.`
    );
  }
  if (isBundled(cause)) {
    return (
      `eprop was put into a bundle, where its binary cannot be found (${here}).\n` +
      "Leave it out of the bundle, and install it beside: esbuild --external:eprop, external: [/^eprop/] in Rolldown " +
      "and Rollup, ssr.external in Vite, externals in webpack, serverExternalPackages in Next.js (docs/bundlers.md)."
    );
  }
  const broken = failures(cause).find((failure) => !failure.startsWith("Cannot find module"));
  if (broken !== undefined) {
    return (
      `eprop's binary ${binary} cannot be loaded on this machine (${here}): ${broken}\n` +
      `Update the system's C library, or build a binary here: ${build}.`
    );
  }
  return (
    `eprop's binary for this machine (${here}) is not installed.\n` +
    `It is the optional package eprop-${binary}: install eprop again without --omit=optional. ` +
    `If node_modules or package-lock.json come from another system, remove them first.\n` +
    `In a checkout of eprop's repository run \`npm run build\`.`
  );
}

function thisMachine(): Machine {
  const { platform, arch } = process;
  const report =
    platform === "linux"
      ? (process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } })
      : undefined;
  return { platform, arch, glibc: report?.header.glibcVersionRuntime };
}

/**
 * What `load` returns.
 *
 * @param binaries names of the binaries that are published
 * @throws {@link BinaryError} where it fails
 */
export function loadBinding<T>(load: () => T, binaries: readonly string[]): T {
  try {
    return load();
  } catch (error) {
    throw new BinaryError(thisMachine(), binaries, error);
  }
}
