import { type Key, key } from "../key.ts";
import { byteSizeBetween } from "../kind/byte-size.ts";
import { durationBetween } from "../kind/duration.ts";
import { integer } from "../kind/kind.ts";

const count = integer(1, 10_000_000);
const wait = durationBetween("10ms", "1h");

/** What one HTTP connection may cost. Node's HTTP/2 limits are described in its documentation of http2.createServer. */
export const httpLimitKeys = {
  "limits.header_timeout": key(wait, "10s", "For the head of an HTTP/1.1 request."),
  "limits.header_size": key(byteSizeBetween("1KiB", "1MiB"), "16KiB", "Head of an HTTP request."),
  "limits.header_fields": key(integer(10, 10_000), "100", "Header fields of an HTTP/2 request."),
  "limits.request_timeout": key(wait, "60s", "For the body of an HTTP request to arrive. Answers may take any time."),
  "limits.keep_alive_timeout": key(
    wait,
    "75s",
    "A quiet HTTP/1.1 connection is closed after this time. Longer than proxies keep theirs (nginx: 60s).",
  ),
  "limits.pipelined_requests": key(
    integer(1, 10_000),
    "64",
    "Requests that wait for their answers on one HTTP/1.1 connection; one more closes it. Clients send one at a time.",
  ),
  "limits.http2.streams": key(
    integer(1, 10_000),
    "128",
    "Requests at the same time on one HTTP/2 connection. This and what follows holds outside and inside Noise.",
  ),
  "limits.http2.idle_timeout": key(
    wait,
    "60s",
    "An HTTP/2 connection outside Noise is closed when it had no request for this time.",
  ),
  "limits.http2.reset_burst": key(count, "100", "Requests that a connection may cancel at once…"),
  "limits.http2.resets_per_second": key(count, "10", "…and then every second."),
  "limits.http2.control_burst": key(count, "10000", "PING and SETTINGS frames that a connection may send at once…"),
  "limits.http2.controls_per_second": key(
    count,
    "1000",
    "…and then every second. gRPC pings with every round trip of a large answer.",
  ),
  "limits.http2.invalid_frames": key(count, "50", "Invalid frames after which a connection is closed."),
  "limits.http2.rejected_streams": key(count, "50", "Refused requests after which a connection is closed."),
  "limits.http2.unexplained_size": key(
    byteSizeBetween("1KiB", "1GiB"),
    "256KiB",
    "Bytes in a quarter of a second that belong to no request, after which a connection is closed.",
  ),
  "limits.offences.count": key(
    count,
    "10",
    "Connections closed for such reasons after which their address (IPv6: /64) is refused.",
  ),
  "limits.offences.window": key(wait, "60s", "Within this time."),
  "limits.offences.rest": key(wait, "60s", "For so long."),
  "limits.offences.addresses": key(
    count,
    "10000",
    "Addresses that are remembered for it; the longest known is forgotten first.",
  ),
} satisfies Record<string, Key<unknown>>;
