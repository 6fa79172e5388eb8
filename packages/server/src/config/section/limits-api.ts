import { type Key, key } from "../key.ts";
import { byteSizeBetween } from "../kind/byte-size.ts";
import { durationBetween } from "../kind/duration.ts";
import { integer } from "../kind/kind.ts";

const count = integer(1, 10_000_000);
const wait = durationBetween("10ms", "1h");

/** What the API, the web pages and what is written about them may cost. */
export const apiLimitKeys = {
  "limits.api_body": key(byteSizeBetween("1KiB", "1GiB"), "4MiB", "Body of an API request; also the largest policy."),
  "limits.verify_body": key(byteSizeBetween("128", "1MiB"), "4KiB", "Body of a relay's question to /verify."),
  "limits.api.call_timeout": key(wait, "60s", "For a call of the REST API."),
  "limits.api.page_size": key(
    integer(1, 100_000),
    "1000",
    "Entries on one page of the audit log or of the policies before.",
  ),
  "limits.api.default_page_size": key(integer(1, 100_000), "100", "The same when the caller does not say how many."),
  "limits.api.ping_timeout": key(wait, "10s", "For the answer of a node to `nodes ping`."),
  "limits.watchers": key(count, "256", "Open Watch streams of the API."),
  "limits.watch.backlog": key(count, "4096", "Changes that a Watch stream may be behind; then it has to resume."),
  "limits.watch.quiet": key(
    durationBetween("10ms", "1h"),
    "25s",
    "A Watch stream says that it is there after so much silence; proxies often cut at 60s.",
  ),
  "limits.log_value": key(
    byteSizeBetween("16", "1MiB"),
    "2KiB",
    "One value in a line of the log; the rest of it is left out.",
  ),
  "limits.metric_series": key(
    integer(10, 1_000_000),
    "500",
    "Combinations of labels of one metric; further ones are counted together.",
  ),
} satisfies Record<string, Key<unknown>>;
