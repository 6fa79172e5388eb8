import { EventEmitter } from "node:events";
import type { Http2Server, ServerHttp2Session, ServerHttp2Stream } from "node:http2";

const everyMs = 250;
/** A stream's share that may wait, unread, in its flow-control window (RFC 9113 §6.9.2). */
const windowBytes = 65_535;
/** Frame header, pseudo fields and the worst that HPACK adds to short fields. */
const headBytes = 512;

/** The part of what we send that may come back as window updates: two of 13 bytes for each frame of 4 KiB and more, sealed. */
const windowUpdates = 1 / 4;

/** What has gone over a session's wire so far, in bytes. */
export interface Traffic {
  readonly received: number;
  readonly sent: number;
}

interface Account {
  received: number;
  sent: number;
  explained: number;
}

/**
 * Finds sessions that send heads which Node refuses below us (too many fields, too long): no event tells of those, but
 * their bytes are received and become nothing. `found` is called once for a session that has received more than
 * `allowedBytes` of them (control frames and padding are such bytes too) in a quarter of a second.
 */
export function watchUnexplainedBytes(
  server: Http2Server,
  allowedBytes: number,
  traffic: (session: ServerHttp2Session) => Traffic,
  found: (session: ServerHttp2Session) => void,
): void {
  const accounts = new Map<ServerHttp2Session, Account>();
  let timer: NodeJS.Timeout | undefined;
  const look = () => {
    for (const [session, account] of accounts) {
      if (session.destroyed || !isFlooding(traffic(session), account, allowedBytes)) continue;
      accounts.delete(session);
      found(session);
    }
  };
  server.on("session", (session) => {
    accounts.set(session, { received: 0, sent: 0, explained: 0 });
    timer ??= setInterval(look, everyMs).unref();
    session.once("close", () => {
      accounts.delete(session);
      if (accounts.size > 0) return;
      clearInterval(timer);
      timer = undefined;
    });
    session.on("stream", (stream, _headers, _flags, rawHeaders) => {
      const account = accounts.get(session);
      if (account) explain(account, stream, rawHeaders);
    });
  });
}

/** Closes the book on the time since the last look. */
function isFlooding(total: Traffic, account: Account, allowedBytes: number): boolean {
  const received = total.received - account.received;
  const unexplained = received - account.explained - (total.sent - account.sent) * windowUpdates;
  account.received = total.received;
  account.sent = total.sent;
  account.explained = 0;
  // Half: TLS records and small frames have overheads of their own.
  return unexplained > allowedBytes && unexplained > received / 2;
}

function explain(account: Account, stream: ServerHttp2Stream, rawHeaders: readonly string[]): void {
  account.explained += rawHeaders.reduce((sum, text) => sum + text.length, headBytes);
  if (stream.readableEnded) return;
  account.explained += windowBytes;
  // Past Readable's own `on`, which would start the flow.
  EventEmitter.prototype.prependListener.call(stream, "data", (chunk: Buffer) => {
    account.explained += chunk.length;
  });
}
