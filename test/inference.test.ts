/** Networks in services: many sequences at once, clones, states that are saved, sparse weights. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { Kernel, NESTError, Network, NumpyRandom, type Response, type SpikeTrains } from "../ts/index.js";
import type { NodeCollection } from "../ts/nest/index.js";

const [inputs, neurons, readouts] = [6, 30, 2];

const models = [
  "eprop_iaf_bsshslm_2020",
  "eprop_iaf_adapt_bsshslm_2020",
  "eprop_iaf",
  "eprop_iaf_adapt",
  "eprop_iaf_psc_delta",
] as const;

/** A network of a model, drawn from a seed; with a share of its connections, dense or connected one by one. */
function networkOf(model: (typeof models)[number], { seed = 1, share = 1, dense = true } = {}): Network {
  const random = new NumpyRandom(seed);
  const kernel = new Kernel();
  kernel.set({ resolution: 1 });
  const input = kernel.Create("spike_generator", inputs);
  const isInterval = model.endsWith("bsshslm_2020");
  const recurrent = kernel.Create<typeof model, object>(model, neurons, {
    C_m: 1,
    E_L: 0,
    V_m: 0,
    V_th: 0.6,
    t_ref: 2,
  });
  const readout = kernel.Create<"eprop_readout", object>(
    (isInterval ? "eprop_readout_bsshslm_2020" : "eprop_readout") as "eprop_readout",
    readouts,
    { C_m: 1, E_L: 0, V_m: 0 },
  );
  const synapse = isInterval ? "eprop_synapse_bsshslm_2020" : "eprop_synapse";
  const connect = (from: NodeCollection, to: NodeCollection, model_: string, delay: number) => {
    const weights = random.randn(to.length, from.length);
    const kept = random.random(weights.data.length).map((drawn) => Number(drawn < share));
    const data = weights.data.map((weight, at) => weight * (kept[at] as number));
    const common = { synapse_model: model_, delay };
    if (dense) {
      const rule = { rule: "all_to_all", allow_autapses: true } as const;
      kernel.Connect(from, to, rule, { ...common, weight: { data, shape: [to.length, from.length] } });
      return;
    }
    const places = [...data.keys()].filter((at) => kept[at] === 1);
    kernel.Connect(
      Uint32Array.from(places, (at) => from.ids[at % from.length] as number),
      Uint32Array.from(places, (at) => to.ids[Math.floor(at / from.length)] as number),
      "one_to_one",
      { ...common, weight: Float64Array.from(places, (at) => data[at] as number) },
    );
  };
  connect(input, recurrent, "static_synapse", 3);
  connect(recurrent, recurrent, synapse, 1);
  connect(recurrent, readout, synapse, 1);
  return Network.of(kernel);
}

/** Spikes of all inputs in so many steps. */
function spikesOf(seed: number, ms: number): SpikeTrains {
  const random = new NumpyRandom(seed);
  const places = random.spikesBelow(new Float64Array(inputs).fill(0.15), inputs, new Uint32Array(ms));
  return {
    times: Array.from(places, (place) => Math.floor(place / inputs)),
    senders: Array.from(places, (place) => place % inputs),
  };
}

describe.each(models)("%s", (model) => {
  const lengths = [40, 1, 0, 75, 75, 33, 120];
  const sequences = lengths.map((ms, at) => spikesOf(at + 2, ms));

  it("answers many sequences as one after the other, on any number of threads", async () => {
    const network = networkOf(model);
    // Each begins where the network is, with spikes on their way.
    network.infer(spikesOf(1, 20), 20);
    const one = sequences.map((spikes, at) => network.clone().infer(spikes, lengths[at] as number));
    expect(one.reduce((sum, { spikes }) => sum + spikes.times.length, 0)).toBeGreaterThan(100);
    for (const threads of [1, 2, 3]) {
      expect(await network.inferMany(sequences, lengths, { threads })).toEqual(one);
    }
    expect(await network.inferMany([], 10)).toEqual([]);
    // It is where it was.
    expect(network.infer(sequences[0] as SpikeTrains, 40)).toEqual(one[0]);
    expect(await network.inferMany([sequences[0] as SpikeTrains], 40)).not.toEqual([one[0]]);
  });

  it("goes on from a state in bytes as if nothing had been", async () => {
    const network = networkOf(model);
    network.infer(spikesOf(1, 50), 50);
    const bytes = await network.state();
    const expected = network.infer(spikesOf(2, 60), 60);
    const other = networkOf(model);
    expect(other.infer(spikesOf(2, 60), 60)).not.toEqual(expected);
    await other.restore(bytes);
    expect(other.infer(spikesOf(2, 60), 60)).toEqual(expected);
    expect(await other.state()).toEqual(await network.state());
  });
});

it("has a state of its own in each clone", () => {
  const network = networkOf("eprop_iaf");
  network.infer(spikesOf(1, 30), 30);
  const clone = network.clone();
  const expected = network.infer(spikesOf(2, 30), 30);
  network.reset();
  expect(clone.infer(spikesOf(2, 30), 30)).toEqual(expected);
  expect(network.infer(spikesOf(2, 30), 30)).not.toEqual(expected);
  expect(clone.kernel).toBe(network.kernel);
});

it("answers with sparse weights as with zeros in dense ones", () => {
  for (const model of models) {
    const [dense, sparse] = [true, false].map((kind) => networkOf(model, { share: 0.2, dense: kind }));
    const answer = dense?.infer(spikesOf(3, 80), 80);
    expect(answer?.spikes.times.length).toBeGreaterThan(10);
    expect(sparse?.infer(spikesOf(3, 80), 80)).toEqual(answer);
  }
});

/** A digest of an answer that is too long to be compared number by number. */
function digest({ readoutSignals, spikes }: Response): string {
  const hash = createHash("sha256");
  for (const column of [readoutSignals, spikes.times, spikes.senders]) {
    hash.update(new Uint8Array(column.buffer, column.byteOffset, column.byteLength));
  }
  return hash.digest("hex");
}

it("refuses a second call while it is at work, which a clone takes", async () => {
  const network = networkOf("eprop_iaf_bsshslm_2020");
  const clone = network.clone();
  const [spikes, ms] = [spikesOf(5, 500), 30_000];
  const expected = digest(networkOf("eprop_iaf_bsshslm_2020").infer(spikes, ms));
  const first = network.inferAsync(spikes, ms);
  const refused = /at work/;
  expect(() => network.infer({ times: [], senders: [] }, 1)).toThrow(refused);
  expect(() => network.clone()).toThrow(refused);
  expect(() => network.reset()).toThrow(refused);
  await expect(network.inferAsync(spikes, ms)).rejects.toThrow(refused);
  await expect(network.inferMany([spikes], ms)).rejects.toThrow(refused);
  await expect(network.state()).rejects.toThrow(refused);
  expect(digest(clone.infer(spikes, ms))).toBe(expected);
  expect(digest(await first)).toBe(expected);
  // Many sequences at once leave it free.
  network.reset();
  const many = network.inferMany([spikes, spikes], ms);
  expect(digest(network.infer(spikes, ms))).toBe(expected);
  expect((await many).map(digest)).toEqual([expected, expected]);
});

it("stops many sequences with the signal's reason", async () => {
  const network = networkOf("eprop_iaf_adapt");
  const stop = new AbortController();
  const spikes = spikesOf(5, 200);
  const many = network.inferMany(
    Array.from({ length: 500 }, () => spikes),
    20_000,
    { signal: stop.signal },
  );
  setTimeout(() => stop.abort(new Error("enough")), 5);
  await expect(many).rejects.toThrow("enough");
  expect((await network.inferMany([spikesOf(1, 10)], 10)).length).toBe(1);
});

it("names the sequence, the byte or the network that does not fit, and changes nothing", async () => {
  const network = networkOf("eprop_iaf_bsshslm_2020");
  const good = spikesOf(1, 10);
  const bad = { times: [3], senders: [inputs] };
  await expect(network.inferMany([good, bad], 10)).rejects.toMatchObject({ parameter: "sequences[1]" });
  await expect(network.inferMany([good, good], [10])).rejects.toThrow("one length for each");
  await expect(network.inferMany(good as never, 10)).rejects.toThrow("a list of spike trains");
  await expect(network.inferMany([good], undefined as never)).rejects.toThrow(
    "ms takes a number, or a number for each sequence",
  );
  await expect(network.inferMany([good], 10, { threads: 0 })).rejects.toThrow("threads");
  network.infer(good, 10);
  const bytes = await network.state();
  for (let at = 0; at < bytes.length; at += 37) {
    const damaged = Uint8Array.from(bytes);
    damaged[at] = (damaged[at] as number) ^ 0x10;
    await expect(network.restore(damaged), `byte ${at}`).rejects.toThrow(NESTError);
  }
  await expect(network.restore(bytes.subarray(0, 400))).rejects.toThrow(/the state/);
  await expect(network.restore("text" as never)).rejects.toThrow("Uint8Array");
  // Of other models, also of the same rule and with as many nodes.
  for (const other of ["eprop_iaf_adapt_bsshslm_2020", "eprop_iaf"] as const) {
    await expect(networkOf(other).restore(bytes)).rejects.toThrow(
      `30 eprop_iaf_bsshslm_2020, 2 eprop_readout_bsshslm_2020, where the network has 30 ${other}, 2 `,
    );
  }
  await expect(Network.of(largerKernel()).restore(bytes)).rejects.toThrow(
    /6 of them, where the network has 7/,
  );
  expect(await network.state()).toEqual(bytes);
});

it("refuses stretches whose spikes have no place, and says which sequence is wrong", async () => {
  const network = networkOf("eprop_iaf_bsshslm_2020");
  const most = Math.floor(2 ** 32 / inputs);
  // The place of this spike would be that of another in the first steps.
  const late = { times: [most + 1], senders: [0] };
  const refused = { code: "ValueError", parameter: "ms", bound: expect.stringContaining(`${most} steps`) };
  expect(() => network.infer(late, most + 2)).toThrow(expect.objectContaining(refused));
  const one = { times: [], senders: [] };
  await expect(network.inferMany([one, one], [5, Number.NaN])).rejects.toMatchObject({ parameter: "ms[1]" });
});

it("is cloned after its kernel was closed", async () => {
  const network = networkOf("eprop_iaf_bsshslm_2020");
  const spikes = spikesOf(1, 50);
  await network.kernel.close();
  expect(digest(network.clone().infer(spikes, 50))).toBe(digest(network.infer(spikes, 50)));
});

function largerKernel(): Kernel {
  const kernel = new Kernel();
  kernel.set({ resolution: 1 });
  const input = kernel.Create("spike_generator", inputs + 1);
  const recurrent = kernel.Create("eprop_iaf_bsshslm_2020", neurons);
  kernel.Connect(input, recurrent, "all_to_all", { synapse_model: "static_synapse", weight: 1 });
  return kernel;
}
