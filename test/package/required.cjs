// A CommonJS program, also started as a worker.
const { isMainThread, parentPort } = require("node:worker_threads");
const { tasks, trainToEnd } = require("eprop");
const { Kernel } = require("eprop/nest");

trainToEnd(tasks.sineWaves({ iterations: 1 })).then(({ iterations }) => {
  const answer = { loss: iterations[0].loss, nodes: new Kernel().Create("parrot_neuron", 2).length };
  if (isMainThread) console.log(JSON.stringify(answer));
  else parentPort.postMessage(answer);
});
