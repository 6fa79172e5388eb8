import { fc, test as property } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import type { RawKey } from "#frame/raw-key.ts";
import { type Party, Peer } from "./peer.ts";

describe("Peer", () => {
  property.prop([fc.array(fc.record({ who: fc.nat({ max: 4 }), leaves: fc.boolean() }), { maxLength: 300 })])(
    "gives the packets to whoever spoke last, and remembers no more than who is there",
    (steps) => {
      const peer = new Peer("" as RawKey, Buffer.alloc(32));
      const parties = Array.from({ length: 5 }, () => ({}) as Party);
      let history: Party[] = []; // the slow way: every word ever spoken
      const here = new Set<Party>();
      for (const { who, leaves } of steps) {
        const party = parties[who] as Party;
        if (leaves) {
          peer.left(party);
          here.delete(party);
          history = history.filter((other) => other !== party);
        } else {
          peer.spoke(party);
          here.add(party);
          history.push(party);
        }
        expect(peer.active).toBe(history.at(-1));
        expect(new Set(peer.connections)).toEqual(here);
        expect(peer.connections).toHaveLength(here.size);
      }
    },
  );
});
