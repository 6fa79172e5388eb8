import { hashSync } from "bcryptjs";
import { describe, expect, test } from "vitest";
import { BcryptChecks } from "./bcrypt-checks.ts";

const secret = "s".repeat(64);
const hash = hashSync(secret, 4);

describe("BcryptChecks", () => {
  test("tells the right secret from a wrong one, before and after it has seen the right one", async () => {
    const checks = new BcryptChecks();
    const answers: boolean[] = [];
    for (const tried of [`${secret.slice(1)}x`, secret, secret, `${secret.slice(1)}x`, ""])
      answers.push(await checks.matches(hash, tried));
    expect(answers).toEqual([false, true, true, false, false]);
  });

  test("knows hashes under the name that Go gives them", async () => {
    expect(await new BcryptChecks().matches(hash.replace("$2b$", "$2a$"), secret)).toBe(true);
  });

  test("answers many askers of one question together, and refuses more wrong ones than may wait", async () => {
    const checks = new BcryptChecks();
    const same = Array.from({ length: 100 }, () => checks.matches(hash, secret));
    expect(new Set(await Promise.all(same))).toEqual(new Set([true]));
    const slow = new BcryptChecks();
    const wrong = Array.from({ length: 40 }, (_, n) => slow.matches(hash, `wrong ${n}`));
    expect(await slow.matches(hash, secret)).toBe(false);
    await Promise.all(wrong);
    expect(await slow.matches(hash, secret)).toBe(true);
  });

  test("refuses what is no hash", async () => {
    expect(await new BcryptChecks().matches("$2a$nonsense", secret)).toBe(false);
  });
});
