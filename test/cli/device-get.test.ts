import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Ended, sallyport } from "./run.ts";
import { startTable, type TableService } from "./service.ts";

let service: TableService;
beforeAll(async () => {
  service = await startTable();
});
afterAll(() => service[Symbol.asyncDispose]());

const get = (...args: readonly string[]): Promise<Ended> =>
  sallyport(["device", "get", ...args, "--address", service.address]);

describe("device get", () => {
  it("shows what decides about a device, aligned", async () => {
    const { code, stdout, stderr } = await get("meter-001");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^meter-001 {2}active\n {2}tenant {7}acme, class meter, model as the tenant\n/);
    expect(stdout).toMatch(/^ {2}firmware {5}2\.4\.1 \(key 2004001, svn 7, production\)$/m);
    expect(stdout).toMatch(/^ {2}attestation {2}none$/m);
    expect(stdout).toMatch(/^ {2}credentials {2}fp-meter-001 {2}active {2}bound 100 d ago {2}used 1 h ago$/m);
    expect(stdout).toMatch(
      /^ {2}provenance {3}all else {2}operator, by file {5}revision 3 {2}3 s old\n {15}firmware {2}device, by push:edge {2}revision 5 {2}1 min old {2}said .*Z \(2 min ago\)$/m,
    );
    expect(stdout).toMatch(/^ {2}registry {5}revision 3, complete through .*Z \(\d+ s ago\)$/m);
  });

  it("shows why a device is held back", async () => {
    const { stdout } = await get("meter-002");
    expect(stdout).toMatch(/^meter-002 {2}quarantined$/m);
    expect(stdout).toMatch(/^ {2}quarantine {3}constrain, by alice, since .*Z \(1 h ago\)$/m);
    expect(stdout).toMatch(/^ {2}credentials {2}fp-meter-002 {2}revoked {2}/m);
  });

  it("shows a quarantine beside the stored lifecycle", async () => {
    expect((await get("meter-003")).stdout).toMatch(/^meter-003 {2}active, in quarantine$/m);
  });

  it("shows why a record is isolated", async () => {
    const [people, programs] = await Promise.all([get("meter-broken"), get("meter-broken", "--json")]);
    expect(people.stdout).toMatch(/^meter-broken {2}isolated\n {2}invalid {6}`model` is missing\n/);
    expect(JSON.parse(programs.stdout)).toEqual({
      id: "meter-broken",
      revision: 4,
      watermark: 1,
      invalid: "`model` is missing",
      provenance: [],
      record: null,
    });
  });

  it("gives the whole record as JSON", async () => {
    const { code, stdout } = await get("meter-001", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      id: "meter-001",
      invalid: null,
      record: { tenant: "acme", ota: { ring: 2 } },
    });
  });

  it("says that there is no such device", async () => {
    expect(await get("ghost")).toEqual({
      code: 1,
      stdout: "",
      stderr: "sallyport: there is no device `ghost` among those that this caller may see\n",
    });
  });
});
