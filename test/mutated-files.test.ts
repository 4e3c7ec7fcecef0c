import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "./fuzz/fast-check.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  Kernel,
  Network,
  NESTError,
  NESTErrors,
  Trainer,
  fromNIR,
  readNIR,
  tasks,
  toNIR,
  writeNIR,
} from "../ts/index.js";
import { writeRunFolder } from "../ts/report/run-folder.js";
import { readRunFolder } from "../ts/runs/run-folder.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-mutated-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const numRuns = Number(process.env["EPROP_FUZZ_CASES"] ?? 60);
/** How long many of them may take (ms), on a machine that has other work. */
const patience = Math.max(120_000, 3_000 * numRuns);

/** A change of a file's bytes. */
const change = fc.record({
  /** Where, as a part of the length; most in the first bytes, which say what the rest is. */
  at: fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 0.05, noNaN: true })),
  how: fc.constantFrom("byte", "digit", "cut", "zeros", "ones", "twice"),
  to: fc.nat(255),
});
const changes = fc.array(change, { minLength: 1, maxLength: 3 });
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

function changed(bytes: Uint8Array, list: readonly Change[]): Buffer {
  let result = Buffer.from(bytes);
  for (const { at, how, to } of list) {
    const place = Math.min(result.length - 1, Math.floor(at * result.length));
    if (place < 0) break;
    if (how === "byte") result[place] = to;
    if (how === "zeros") result.fill(0, place, Math.min(place + 8, result.length));
    if (how === "ones") result.fill(0xff, place, Math.min(place + 8, result.length));
    if (how === "cut") result = result.subarray(0, place);
    if (how === "twice") result = Buffer.concat([result.subarray(0, place), result]);
    if (how === "digit") {
      // The next digit: headers and JSON say lengths so.
      let digit = place;
      while (digit < result.length && !/\d/.test(String.fromCharCode(result[digit] as number))) digit++;
      if (digit < result.length) result[digit] = 0x30 + (to % 10);
    }
  }
  return result;
}

/** A file of eprop with the checksum that it should have. */
function sealed(bytes: Buffer): Buffer {
  const opening = '{"__metadata__":{"eprop":"{\\"sha256\\":\\"';
  const at = 8 + opening.length;
  if (bytes.length < at + 64) return bytes;
  bytes.write("0".repeat(64), at, "latin1");
  bytes.write(createHash("sha256").update(bytes).digest("hex"), at, "latin1");
  return bytes;
}

/** Whatever is refused is refused with an error of eprop's, and none that says that eprop is wrong. */
async function refusedOr(use: () => Promise<void>): Promise<void> {
  try {
    await use();
  } catch (error) {
    expect(error).toBeInstanceOf(NESTError);
    expect(error).not.toBeInstanceOf(NESTErrors.InternalError);
  }
}

function network(): Kernel {
  const kernel = new Kernel();
  kernel.set({ resolution: 1, eprop_update_interval: 20, eprop_learning_window: 20 });
  const input = kernel.Create("spike_generator", 3, { spike_times: [2, 5, 9, 14] });
  const rec = kernel.Create("eprop_iaf_bsshslm_2020", 4, { V_th: 0.3, E_L: 0, V_m: 0, C_m: 1, t_ref: 0 });
  const out = kernel.Create("eprop_readout_bsshslm_2020", 1);
  const plastic = { synapse_model: "eprop_synapse_bsshslm_2020", delay: 1, weight: 0.5 } as const;
  kernel.Connect(input, rec, "all_to_all", plastic);
  kernel.Connect(rec, out, "all_to_all", plastic);
  const recorder = kernel.Create("spike_recorder");
  kernel.Connect(rec, recorder);
  return kernel;
}

describe("a mutated file is refused or can be used:", () => {
  const path = (name: string) => join(folder, name);

  beforeAll(async () => {
    const kernel = network();
    kernel.Simulate(25);
    await kernel.save(path("kernel"));
    await Network.of(kernel).save(path("network"));
    writeNIR(path("graph"), toNIR(Network.of(kernel)));
    const options = { batchSize: 1, iterations: 2, earlyStop: false };
    const trainer = new Trainer(tasks.sineWaves(options as never));
    for await (const iteration of trainer) {
      if (iteration.iteration === 1) {
        await trainer.save(path("checkpoint"));
        break;
      }
    }
    const whole = new Trainer(tasks.sineWaves(options as never), { record: true });
    for await (const iteration of whole) expect(iteration.loss).toBeGreaterThan(0);
    await writeRunFolder(path("run"), whole.result());
  }, 120_000);

  const property = (name: string, seals: boolean, use: (file: string) => Promise<void>) =>
    fc.asyncProperty(changes, async (list) => {
      const bytes = changed(readFileSync(path(name)), list);
      const file = path(`${name}-mutated`);
      writeFileSync(file, seals ? sealed(bytes) : bytes);
      await refusedOr(() => use(file));
    });

  const useKernel = async (file: string) => {
    const kernel = await Kernel.load(file);
    kernel.Simulate(5 * kernel.get("resolution"));
    await kernel.close();
  };
  const useNetwork = async (file: string) => {
    const loaded = await Network.load(file);
    loaded.infer({ times: [], senders: [] }, 5 * loaded.resolution);
  };

  it.each([
    ["kernel", true, useKernel],
    ["kernel", false, useKernel],
    ["network", true, useNetwork],
    ["checkpoint", true, useNetwork],
    ["checkpoint", true, async (file: string) => void (await Trainer.resume(file))],
    ["graph", false, async (file: string) => void fromNIR(await readNIR(file))],
  ])(
    "%s (checksum mended: %s)",
    async (name, seals, use) => {
      await fc.assert(property(name, seals, use), { numRuns });
    },
    patience,
  );

  it(
    "run folders",
    async () => {
      const mutated = path("run-mutated");
      const files = readdirSync(path("run")).filter((name) => /\.(npz|json|jsonl)$/.test(name));
      const whole = fc.asyncProperty(fc.constantFrom(...files), changes, async (name, list) => {
        rmSync(mutated, { recursive: true, force: true });
        cpSync(path("run"), mutated, { recursive: true });
        writeFileSync(join(mutated, name), changed(readFileSync(join(mutated, name)), list));
        await refusedOr(async () => void readRunFolder(mutated));
      });
      await fc.assert(whole, { numRuns });
    },
    patience,
  );
});
