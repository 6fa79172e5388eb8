import { addressKeys } from "./section/addresses.ts";
import { auditKeys } from "./section/audit.ts";
import { cliKeys } from "./section/cli.ts";
import { databaseKeys } from "./section/database.ts";
import { derpKeys } from "./section/derp.ts";
import { dnsKeys } from "./section/dns.ts";
import { featureKeys } from "./section/features.ts";
import { limitKeys } from "./section/limits.ts";
import { listenKeys } from "./section/listen.ts";
import { logKeys } from "./section/log.ts";
import { nodeKeys } from "./section/node.ts";
import { oidcKeys } from "./section/oidc.ts";
import { policyKeys } from "./section/policy.ts";
import { serverKeys } from "./section/server.ts";
import { tlsKeys } from "./section/tls.ts";
import { tuningKeys } from "./section/tuning.ts";

/** Every key there is, in the order of the reference. */
export const allKeys = {
  ...serverKeys,
  ...listenKeys,
  ...tlsKeys,
  ...databaseKeys,
  ...addressKeys,
  ...derpKeys,
  ...dnsKeys,
  ...nodeKeys,
  ...policyKeys,
  ...oidcKeys,
  ...logKeys,
  ...auditKeys,
  ...limitKeys,
  ...cliKeys,
  ...featureKeys,
  ...tuningKeys,
};
