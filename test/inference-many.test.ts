/** Networks in use that serve many sequences. */
import { describe, expect, it } from "vitest";
import { Network, tasks, trainToEnd } from "../ts/index.js";

describe("a network in use", async () => {
  const { network } = await trainToEnd(tasks.sineWaves({ iterations: 1 }));
  // Ten inputs in each of the first 20 steps; others in each sequence.
  const sequences = Array.from({ length: 5 }, (_, at) => ({
    times: Array.from({ length: 200 }, (__, spike) => Math.floor(spike / 10)),
    senders: Array.from({ length: 200 }, (__, spike) => (spike * 7 + at * 3) % 100),
  }));

  it("answers many sequences as one after the other, each from rest", async () => {
    const plain = sequences.map((sequence) => {
      network.reset();
      return network.infer(sequence, 50);
    });
    expect(plain[0]?.spikes.times.length).toBeGreaterThan(0);
    expect(plain[0]).not.toEqual(plain[1]);
    network.reset();
    const before = network.infer(sequences[0] as (typeof sequences)[0], 20);
    const many = network.inferMany(sequences, 50);
    // It is free meanwhile, and goes on from where it was.
    const meanwhile = network.infer(sequences[1] as (typeof sequences)[0], 20);
    expect(await many).toEqual(plain);
    network.reset();
    expect(network.infer(sequences[0] as (typeof sequences)[0], 20)).toEqual(before);
    expect(network.infer(sequences[1] as (typeof sequences)[0], 20)).toEqual(meanwhile);
  });

  it("has clones with states of their own", () => {
    network.reset();
    const [first] = sequences as [(typeof sequences)[0]];
    const fresh = network.infer(first, 30);
    const clone = network.clone();
    expect(clone).toBeInstanceOf(Network);
    expect(clone.infer(first, 30)).toEqual(fresh);
    expect(network.infer(first, 30)).not.toEqual(fresh);
  });

  it("names a sequence that cannot be, and answers none", async () => {
    await expect(network.inferMany([...sequences, { times: [99], senders: [0] }], 50)).rejects.toThrow(
      /outside the stretch/,
    );
    await expect(network.inferMany([{ times: ["x"], senders: [0] }] as never, 50)).rejects.toThrow(
      /sequences\[0\]\.times\[0\]/,
    );
  });
});
