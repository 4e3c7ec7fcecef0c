// What ranks tell each other: run by test/mpi.test.ts, the package's address as its argument.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";

// A package behind a symbolic link is the one that it stands for, also once the launcher's socket was looked at.
const folder = realpathSync(mkdtempSync(join(tmpdir(), "eprop-talk-")));
mkdirSync(join(folder, "package"));
writeFileSync(join(folder, "package", "index.js"), "");
mkdirSync(join(folder, "node_modules"));
symlinkSync("../package", join(folder, "node_modules", "package"), "dir");
writeFileSync(
  join(folder, "program.mjs"),
  'export const resolved = () => import.meta.resolve("package/index.js");',
);
const { resolved } = await import(pathToFileURL(join(folder, "program.mjs")));

const { mpi } = await import(process.argv[2]);
const world = await mpi.connect();
const linked = resolved() === pathToFileURL(join(folder, "package", "index.js")).href;
rmSync(folder, { recursive: true });
const { rank, size } = world;
const gathered = await world.gather({ rank, values: new Float64Array([rank, -0]) });
const last = await world.broadcast(rank === size - 1 ? "the last one's" : undefined, size - 1);
await world.same("answer", 42);
const refused = await world.same("rank", rank).then(
  () => undefined,
  (error) => error.message,
);
const [one, other] = [world.gather(1), world.gather(2)];
const busy = await other.then(
  () => undefined,
  (error) => error.message,
);
await one;
await world.barrier();
const is = gathered.map((told) => told.rank === told.values[0] && Object.is(told.values[1], -0));
const words = { size, library: world.library, last, refused, busy, is: is.every(Boolean), linked };
const same = (await world.gather(JSON.stringify(words))).every((text, _, all) => text === all[0]);
if (rank === 0) console.log(JSON.stringify({ ...words, same }));
await world.close();
await world.close();
