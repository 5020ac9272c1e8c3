# Needs builtins that are refused at load; see test/engine/faults.test.ts.
package refused

answer := http.send({"method": "GET", "url": input.url})

newer if semver.compare(input.version, "1.0.0") > 0

odd := rand.intn("x", input.n)
