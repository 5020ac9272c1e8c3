/**
 * A vitest reporter: after vitest's own summary it lists what was NOT RUN and why, then prints one plain
 * closing line, `N passed, N failed`. A file that cannot be loaded and an error outside any test count as failed.
 */
export default class ClosingLineReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    const notRun = new Map();
    for (const module of modules) {
      if (module.state() === "failed" && module.errors().length > 0) counts.failed += 1;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === "pending") counts.failed += 1;
        else counts[result.state] += 1;
        if (result.state !== "skipped") continue;
        const where = test.parent.type === "suite" ? test.parent.fullName : test.name;
        const key = `${module.relativeModuleId} > ${where}${result.note ? ` (${result.note})` : ""}`;
        notRun.set(key, (notRun.get(key) ?? 0) + 1);
      }
    }
    for (const [what, count] of notRun) process.stdout.write(`NOT RUN  ${what}: ${count}\n`);
    process.stdout.write(`${counts.passed} passed, ${counts.failed} failed\n`);
  }
}
