export { type ConnectOptions, type Launcher, connect, launcher } from "./connect.js";
export type { World } from "./world.js";
