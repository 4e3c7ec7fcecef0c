// An ES module, started as a worker.
import { parentPort } from "node:worker_threads";
import { tasks, trainToEnd } from "eprop";
import { Kernel } from "eprop/nest";

const { iterations } = await trainToEnd(tasks.sineWaves({ iterations: 1 }));
parentPort.postMessage({ loss: iterations[0].loss, nodes: new Kernel().Create("parrot_neuron", 2).length });
