import { type KeyObject, X509Certificate } from "node:crypto";
import type { Account } from "./account.ts";
import type { AcmeClient, Answer } from "./acme-client.ts";
import { AcmeError } from "./acme-error.ts";
import { type Authorization, type Order, parseAuthorization, parseOrder } from "./answers.ts";
import type { Challenges, ChallengeType } from "./challenges.ts";
import type { Identifier } from "./identifier.ts";
import { keyAuthorization } from "./jws.ts";
import { certificateRequest, generateKey, keyPem } from "./x509.ts";

/** How often an order is looked at, within what the authority asks for. */
const pollMs = { least: 1_000, most: 60_000 } as const;

/** PEM of a private key and of the chain, our certificate first. */
export interface KeyPair {
  readonly key: string;
  readonly cert: string;
}

export interface OrderOptions {
  readonly names: readonly Identifier[];
  readonly profile: string | undefined;
  /** ARI identifier of the certificate this one replaces. */
  readonly replaces: string | undefined;
  readonly challengeType: ChallengeType;
  readonly challenges: Challenges;
}

/** Orders a certificate, proves every name, and returns it with its fresh key. @throws {AcmeError} */
export async function orderCertificate(client: AcmeClient, account: Account, options: OrderOptions): Promise<KeyPair> {
  const deadline = client.clock.now() + client.limits.orderMs;
  const { url, order } = await placeOrder(client, account, options);
  for (const authorization of order.authorizations) await prove(client, account, authorization, options, deadline);
  const key = generateKey();
  const csr = certificateRequest(key, options.names).toString("base64url");
  await client.post(account, order.finalize, { csr });
  const done = await poll(client, account, url, deadline, (answer) => {
    const polled = parseOrder(answer.json());
    if (polled.status === "invalid") throw orderFailed(polled);
    return polled.status === "valid" ? polled : undefined;
  });
  if (done.certificate === undefined) throw orderFailed(done);
  const chain = await client.post(account, done.certificate);
  return { key: keyPem(key), cert: checkedChain(chain.text, key, options.names) };
}

async function placeOrder(client: AcmeClient, account: Account, { names, profile, replaces }: OrderOptions) {
  const wanted = { identifiers: names, ...(profile !== undefined && { profile }) };
  const ask = (more: { replaces?: string }) => client.post(account, client.directory.newOrder, { ...wanted, ...more });
  const answer = await ask(replaces === undefined ? {} : { replaces }).catch((error) => {
    // Someone renewed it already, or the authority has forgotten it (RFC 9773 §5): order as if it were the first.
    const aboutReplacing = ["alreadyReplaced", "malformed"].includes(error.problem) && replaces !== undefined;
    if (!aboutReplacing) throw error;
    return ask({});
  });
  const url = answer.headers.get("location");
  if (url === null) throw new AcmeError("bad-answer", "the certificate authority gave the new order no URL");
  return { url, order: parseOrder(answer.json()) };
}

/** Gets one authorization to `valid`. */
async function prove(
  client: AcmeClient,
  account: Account,
  url: string,
  { challengeType, challenges }: OrderOptions,
  deadline: number,
): Promise<void> {
  const pending = parseAuthorization((await client.post(account, url)).json());
  if (pending.status === "valid") return; // proved lately
  const name = pending.identifier;
  const challenge = pending.challenges.find(({ type }) => type === challengeType.toLowerCase());
  if (!challenge)
    throw new AcmeError(
      "challenge-failed",
      `the certificate authority does not offer ${challengeType} for ${name.value}`,
    );
  const proof = keyAuthorization(account.key, challenge.token);
  await using _offered = await challenges.offer(challengeType, name, challenge.token, proof);
  await client.post(account, challenge.url, {});
  await poll(client, account, url, deadline, (answer) => {
    const polled = parseAuthorization(answer.json());
    if (polled.status === "pending") return undefined;
    if (polled.status === "valid") return polled;
    throw challengeFailed(polled, challengeType);
  });
}

async function poll<T>(
  client: AcmeClient,
  account: Account,
  url: string,
  deadline: number,
  settled: (answer: Answer) => T | undefined,
): Promise<T> {
  for (let delay: number = pollMs.least; ; delay *= 1.5) {
    const answer = await client.post(account, url);
    const result = settled(answer);
    if (result !== undefined) return result;
    if (client.clock.now() > deadline)
      throw new AcmeError("order-failed", `no decision within ${client.limits.orderMs} ms`);
    const asked = Math.max(answer.retryAfterMs ?? delay, pollMs.least);
    await client.sleep(Math.min(asked, pollMs.most));
  }
}

/** What we were given must be ours: our key, every name. */
function checkedChain(chain: string, key: KeyObject, names: readonly Identifier[]): string {
  try {
    const leaf = new X509Certificate(chain);
    if (!leaf.checkPrivateKey(key)) throw new Error("it is for another key");
    const absent = names.find(({ type, value }) => !(type === "ip" ? leaf.checkIP(value) : leaf.checkHost(value)));
    if (absent) throw new Error(`it lacks ${absent.value}`);
    return chain;
  } catch (cause) {
    throw new AcmeError("order-failed", "the certificate authority issued a certificate that is not what was ordered", {
      cause,
    });
  }
}

function challengeFailed({ identifier, challenges, status }: Authorization, type: ChallengeType): AcmeError {
  const problem = challenges.find(({ error }) => error !== undefined)?.error;
  const said = problem ? `${problem.type}: ${problem.detail}` : `the authorization is ${status}`;
  return new AcmeError("challenge-failed", `${type} for ${identifier.value} failed: ${said}`, {
    problem: problem?.type,
  });
}

function orderFailed({ status, error }: Order): AcmeError {
  const said = error ? `${error.type}: ${error.detail}` : `the order is ${status}`;
  return new AcmeError("order-failed", `the certificate authority made no certificate, ${said}`, {
    problem: error?.type,
  });
}
