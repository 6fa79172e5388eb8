import { createHash, createPublicKey, type JsonWebKey, type KeyObject, randomBytes, sign, verify } from "node:crypto";
import { bitString, context, contextBytes, integer, octets, oid, pem, sequence, set, time, utf8 } from "../der.ts";
import { type Identifier, ipBytes } from "../identifier.ts";
import type { Jws } from "../jws.ts";
import { generateKey } from "../x509.ts";

interface Order {
  readonly identifiers: readonly Identifier[];
  readonly profile: unknown;
  readonly replaces: unknown;
  certificate?: string;
}

interface Account {
  readonly key: KeyObject;
  readonly thumbprint: string;
}

const dayMs = 86_400_000;

/**
 * A certificate authority in a process, reached by its `fetch`. It checks what RFC 8555 makes an authority check:
 * signatures, nonces used once, URLs, key authorizations. Its faults are plain fields.
 */
export class AcmeDirectory {
  readonly url: string;
  readonly orders: Order[] = [];
  readonly accounts = new Map<string, Account>();
  readonly contacts: unknown[] = [];
  readonly #nonces = new Set<string>();
  readonly #rootKey = generateKey();
  readonly #answers = new Map<string, { token: string; account: Account; valid: boolean | undefined }>();
  readonly #options: {
    now: () => number;
    http01: (token: string) => Promise<string | undefined>;
    lifetimeDays: number;
  };

  /** Of so many POSTs, refuse all but the last for their nonce. */
  refusedNonces = 0;
  down = false;
  failValidation = false;
  renewalWindow: { start: string; end: string } | undefined;
  profiles: Record<string, string> | undefined;
  rateLimitSeconds: number | undefined;
  refuseReplaces = false;

  constructor(
    url: string,
    options: { now: () => number; http01: (token: string) => Promise<string | undefined>; lifetimeDays: number },
  ) {
    this.url = url;
    this.#options = options;
  }

  readonly fetch: typeof fetch = async (input, init) => {
    if (this.down) throw new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED") });
    const path = String(input).slice(this.url.length);
    if (init?.method !== "POST") return this.#get(path);
    const jws: Jws = JSON.parse(String(init.body));
    const header = JSON.parse(Buffer.from(jws.protected, "base64url").toString());
    if (!this.#nonces.delete(header.nonce) || this.refusedNonces-- > 0) return this.#problem(400, "badNonce");
    this.refusedNonces = 0;
    const account = header.jwk ? accountOf(header.jwk) : this.accounts.get(header.kid);
    if (!account) return this.#problem(400, "accountDoesNotExist");
    if (header.url !== String(input) || !verified(jws, account.key)) return this.#problem(403, "unauthorized");
    const payload = jws.payload === "" ? undefined : JSON.parse(Buffer.from(jws.payload, "base64url").toString());
    return this.#post(path, account, payload);
  };

  #get(path: string): Response {
    if (path === "") return this.#json(200, this.#directory());
    if (path === "/nonce") return this.#json(200, {});
    if (path.startsWith("/ari/") && this.renewalWindow)
      return this.#json(200, { suggestedWindow: this.renewalWindow }, { "retry-after": "21600" });
    return this.#problem(404, "malformed");
  }

  #directory() {
    return {
      newNonce: `${this.url}/nonce`,
      newAccount: `${this.url}/account`,
      newOrder: `${this.url}/order`,
      ...(this.renewalWindow && { renewalInfo: `${this.url}/ari` }),
      meta: { profiles: this.profiles },
    };
  }

  async #post(path: string, account: Account, payload: unknown): Promise<Response> {
    const [, noun = "", id = ""] = path.split("/");
    if (noun === "account") return this.#newAccount(account, payload);
    if (noun === "order" && id === "") return this.#newOrder(payload as Order);
    if (noun === "order") return this.#json(200, this.#orderJson(Number(id)));
    if (noun === "authorization") return this.#json(200, this.#authorizationJson(id, account));
    if (noun === "challenge") return this.#validate(id);
    if (noun === "finalize") return this.#finalize(Number(id), payload as { csr: string });
    if (noun === "certificate") return new Response(this.orders[Number(id)]?.certificate, { headers: this.#headers() });
    return this.#problem(404, "malformed");
  }

  #newAccount(account: Account, payload: unknown): Response {
    const kid = `${this.url}/account/${account.thumbprint}`;
    this.accounts.set(kid, account);
    this.contacts.push((payload as { contact: unknown }).contact);
    return this.#json(201, { status: "valid" }, { location: kid });
  }

  #newOrder(payload: Order): Response {
    if (this.rateLimitSeconds !== undefined)
      return this.#problem(429, "rateLimited", { "retry-after": String(this.rateLimitSeconds) });
    if (this.refuseReplaces && payload.replaces !== undefined) return this.#problem(409, "alreadyReplaced");
    const id = this.orders.push({ ...payload }) - 1;
    return this.#json(201, this.#orderJson(id), { location: `${this.url}/order/${id}` });
  }

  #orderJson(id: number) {
    const { identifiers = [], certificate } = this.orders[id] ?? {};
    return {
      status: certificate ? "valid" : "pending",
      authorizations: identifiers.map((_, n) => `${this.url}/authorization/${id}-${n}`),
      finalize: `${this.url}/finalize/${id}`,
      ...(certificate && { certificate: `${this.url}/certificate/${id}` }),
    };
  }

  #authorizationJson(id: string, account: Account) {
    const [order, n] = id.split("-").map(Number) as [number, number];
    const answer = this.#answers.get(id) ?? { token: randomBytes(16).toString("base64url"), account, valid: undefined };
    this.#answers.set(id, answer);
    const status = answer.valid === undefined ? "pending" : answer.valid ? "valid" : "invalid";
    const error = status === "invalid" && { type: "urn:ietf:params:acme:error:unauthorized", detail: "wrong answer" };
    const challenge = {
      type: "http-01",
      url: `${this.url}/challenge/${id}`,
      token: answer.token,
      ...(error && { error }),
    };
    return { status, identifier: this.orders[order]?.identifiers[n], challenges: [challenge] };
  }

  async #validate(id: string): Promise<Response> {
    const answer = this.#answers.get(id);
    if (!answer) return this.#problem(404, "malformed");
    const said = await this.#options.http01(answer.token);
    answer.valid = !this.failValidation && said === `${answer.token}.${answer.account.thumbprint}`;
    return this.#json(200, {});
  }

  #finalize(id: number, { csr }: { csr: string }): Response {
    const order = this.orders[id];
    if (!order) return this.#problem(404, "malformed");
    order.certificate = this.#issue(Buffer.from(csr, "base64url"), order.identifiers);
    return this.#json(200, this.#orderJson(id));
  }

  #issue(csr: Buffer, names: readonly Identifier[]): string {
    const now = this.#options.now();
    const algorithm = sequence(oid("1.2.840.10045.4.3.2"));
    const issuer = sequence(set(sequence(oid("2.5.4.3"), utf8("Test authority"))));
    const general = names.map(({ type, value }) =>
      type === "ip" ? contextBytes(7, ipBytes(value)) : contextBytes(2, Buffer.from(value)),
    );
    const body = sequence(
      context(0, integer(Uint8Array.of(2))),
      integer(randomBytes(16)),
      algorithm,
      issuer,
      sequence(time(now), time(now + this.#options.lifetimeDays * dayMs)),
      sequence(),
      p256Spki(csr),
      context(
        3,
        sequence(
          sequence(oid("2.5.29.35"), octets(sequence(contextBytes(0, Buffer.from("authority key"))))),
          sequence(oid("2.5.29.17"), octets(sequence(...general))),
        ),
      ),
    );
    return pem("CERTIFICATE", sequence(body, algorithm, bitString(sign("sha256", body, this.#rootKey))));
  }

  #problem(status: number, type: string, headers: Record<string, string> = {}): Response {
    return this.#json(status, { type: `urn:ietf:params:acme:error:${type}`, detail: "said the test" }, headers);
  }

  #json(status: number, body: unknown, headers: Record<string, string> = {}): Response {
    return new Response(JSON.stringify(body), { status, headers: { ...this.#headers(), ...headers } });
  }

  #headers(): Record<string, string> {
    const nonce = randomBytes(12).toString("base64url");
    this.#nonces.add(nonce);
    return { "replay-nonce": nonce };
  }
}

function accountOf(jwk: JsonWebKey): Account {
  const { crv, kty, x, y } = jwk;
  const thumbprint = createHash("sha256").update(JSON.stringify({ crv, kty, x, y })).digest("base64url");
  return { key: createPublicKey({ key: jwk, format: "jwk" }), thumbprint };
}

function verified(jws: Jws, key: KeyObject): boolean {
  const signature = Buffer.from(jws.signature, "base64url");
  return verify(
    "sha256",
    Buffer.from(`${jws.protected}.${jws.payload}`),
    { key, dsaEncoding: "ieee-p1363" },
    signature,
  );
}

/** The request's key: every P-256 SubjectPublicKeyInfo starts with the same 26 bytes and goes on for 65. */
function p256Spki(csr: Buffer): Buffer {
  const head = Buffer.from("3059301306072a8648ce3d020106082a8648ce3d030107034200", "hex");
  const at = csr.indexOf(head);
  return csr.subarray(at, at + head.length + 65);
}
