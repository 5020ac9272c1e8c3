/** As whose word records count. */

import * as z from "zod";
import type { Origin } from "../decision/report.ts";

/** Schema of the option, to be described where it is used. */
export const originSchema: z.ZodDefault<z.ZodType<Origin>> = z
  .enum(["operator", "verifier", "device"])
  .default("operator");
