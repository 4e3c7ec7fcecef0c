export { type ConnectOptions, type Launcher, World, connect, launcher } from "./world.js";
