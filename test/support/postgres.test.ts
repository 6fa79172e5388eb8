import postgres from "postgres";
import { expect, test } from "vitest";
import { postgresWanted, startPostgres } from "./postgres.ts";

test.skipIf(!postgresWanted())(
  "a started PostgreSQL answers over TCP and over its socket, holds separate databases, and is gone afterwards",
  async () => {
    let port = 0;
    {
      await using server = await startPostgres();
      port = server.port;
      const other = await server.createDatabase("other");

      const first = postgres(server.url, { max: 1 });
      await first`create table t (n int)`;
      await first`insert into t values (7)`;
      await first.end();

      const bySocket = postgres({ ...server, host: server.socketDirectory, max: 1 });
      expect(await bySocket`select n from t`).toMatchObject([{ n: 7 }]);
      await bySocket.end();

      const second = postgres(other.url, { max: 1 });
      await expect(second`select n from t`).rejects.toThrow(/relation "t" does not exist/);
      await second.end();
    }
    const late = postgres({
      host: "127.0.0.1",
      port,
      user: "headscale",
      database: "headscale",
      max: 1,
      backoff: false,
    });
    await expect(late`select 1`).rejects.toThrow(/ECONNREFUSED/);
    await late.end();
  },
);
