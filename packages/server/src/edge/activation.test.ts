import { describe, expect, test } from "vitest";
import { activatedSockets } from "./activation.ts";

describe("activatedSockets", () => {
  test("are the descriptors from 3 on, by their names", () => {
    const env = { LISTEN_PID: "42", LISTEN_FDS: "2", LISTEN_FDNAMES: "https:admin" };
    expect(activatedSockets(env, 42)).toEqual([
      { kind: "inherited", fd: 3, name: "https" },
      { kind: "inherited", fd: 4, name: "admin" },
    ]);
  });

  test.for([
    { says: "nothing was passed", env: {} },
    { says: "they were meant for another process", env: { LISTEN_PID: "41", LISTEN_FDS: "1" } },
    { says: "the number is none", env: { LISTEN_PID: "42", LISTEN_FDS: "many" } },
    { says: "the number is negative", env: { LISTEN_PID: "42", LISTEN_FDS: "-1" } },
  ])("are none when $says", ({ env }) => {
    expect(activatedSockets(env, 42)).toEqual([]);
  });

  test("have a name even when systemd gave none", () => {
    expect(activatedSockets({ LISTEN_PID: "42", LISTEN_FDS: "1" }, 42)).toEqual([
      { kind: "inherited", fd: 3, name: "unknown" },
    ]);
  });
});
