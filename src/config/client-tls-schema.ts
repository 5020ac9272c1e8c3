/** TLS of connections that we open. */
import * as z from "zod";

const file = { file: true };

/** Key material of a client. */
export const clientTls: z.ZodType<{ ca?: string; cert?: string; key?: string }, unknown> = z
  .strictObject({
    ca: z.string().min(1).exactOptional().describe("PEM file of the CAs of the server.").meta(file),
    cert: z.string().min(1).exactOptional().describe("PEM file of the client certificate chain.").meta(file),
    key: z.string().min(1).exactOptional().describe("PEM file of its private key.").meta(file),
  })
  .describe("TLS as a client; the files are read for each connection.");
