/** `npm run bench [PART]`: chooses what is measured. */
if (process.argv[2] === "attach") await import("./attach.ts");
else if (process.argv[2] === "registry") await import("./registry.ts");
else if (process.argv[2] === "ota") await import("./ota.ts");
else if (process.argv[2] === "storm") await import("./storm.ts");
else if (process.argv[2] === "profile") await import("./profile.ts");
else await import("./run.ts");
