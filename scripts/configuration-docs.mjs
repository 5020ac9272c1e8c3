/** Writes docs/configuration.md from the schema: `npx tsx scripts/configuration-docs.mjs`. A test compares them. */
import { mkdirSync, writeFileSync } from "node:fs";
import { documentConfig } from "../src/config/document-config.ts";

mkdirSync("docs", { recursive: true });
writeFileSync("docs/configuration.md", documentConfig());
