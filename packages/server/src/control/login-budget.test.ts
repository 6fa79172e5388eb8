import { describe, expect, test } from "vitest";
import { LoginBudget } from "./login-budget.ts";

describe("LoginBudget", () => {
  test("lets so many logins begin from one address in a minute, and again in the next", () => {
    let now = 0;
    const budget = new LoginBudget(2, () => now);
    budget.count("192.0.2.1");
    expect(budget.allows("192.0.2.1")).toBe(true);
    budget.count("192.0.2.1");
    expect(budget.allows("192.0.2.1")).toBe(false);
    now += 60_000;
    expect(budget.allows("192.0.2.1")).toBe(true);
  });

  test("one address does not use up another's", () => {
    const budget = new LoginBudget(1, () => 0);
    budget.count("192.0.2.1");
    expect(budget.allows("192.0.2.2")).toBe(true);
  });
});
