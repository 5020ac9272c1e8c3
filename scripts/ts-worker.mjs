/** A worker thread that runs a TypeScript file, named by its argument, where the service runs from its sources. */
import { register } from "tsx/esm/api";

register();
await import(process.argv[2]);
