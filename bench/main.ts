/** `npm run bench [PART]`: chooses what is measured. */
if (process.argv[2] === "attach") await import("./attach.ts");
else await import("./run.ts");
