import { describe, expect, it } from "vitest";
import { isLoopback, parseAddress } from "../../src/config/address.ts";

describe("an address", () => {
  it.each([
    ["127.0.0.1:7600", { host: "127.0.0.1", port: 7600 }],
    ["[::1]:0", { host: "::1", port: 0 }],
    ["localhost:65535", { host: "localhost", port: 65535 }],
    ["::1:7600", undefined],
    [":7600", undefined],
    ["host", undefined],
    ["host:65536", undefined],
    ["host:-1", undefined],
    ["ho st:1", undefined],
  ])("%s", (text, address) => expect(parseAddress(text)).toEqual(address));

  it.each([
    ["localhost", true],
    ["127.9.9.9", true],
    ["::1", true],
    ["0.0.0.0", false],
    ["::", false],
    ["127.0.0.1.example.org", false],
    ["localhost.example.org", false],
  ])("%s is loopback: %s", (host, expected) => expect(isLoopback(host)).toBe(expected));
});
