import { createHash, randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";

type Claims = Readonly<Record<string, unknown>>;

/** Where it misbehaves. Everything that is absent is as a good provider does it. */
export interface ProviderFaults {
  /** Comes to every answer of this path before it is sent; returning true means that it was sent. */
  readonly intercept?: (path: string, response: ServerResponse) => boolean | Promise<boolean>;
  /** What the ID token says in place of the truth. */
  readonly idToken?: (claims: JWTPayload) => JWTPayload;
  /** Signs by a key that it does not publish, or does not sign at all. */
  readonly signature?: "foreign-key" | "none";
  readonly userInfo?: Claims;
}

const scheme = { alg: "RS256", kid: "1" } as const;
const clientId = "headscale";
const clientSecret = "a secret & 100% odd one";

type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>;

interface Grant {
  readonly query: URLSearchParams;
  readonly person: Claims;
}

/** An OpenID provider on loopback where somebody is signed in already: it sends every browser back at once. */
export class IdentityProvider implements AsyncDisposable {
  readonly issuer: string;
  /** Who is signed in. `sub` is the account; the rest are claims about it. */
  person: Claims = { sub: "1", email: "alice@example.com", email_verified: true, preferred_username: "alice" };
  /** Which of the claims only UserInfo tells. */
  onlyInUserInfo: readonly string[] = [];
  faults: ProviderFaults = {};
  /** The one way in which it takes the client's secret. */
  takesSecretIn: "header" | "body" = "header";
  tokenLifeS = 600;
  /** Paths that it was asked for, with the query of the login page. */
  readonly asked: string[] = [];
  readonly #server: Server;
  readonly #grants = new Map<string, Grant>();
  readonly #keys: KeyPair;
  readonly #foreign: KeyPair;

  private constructor(server: Server, keys: KeyPair, foreign: KeyPair) {
    this.#server = server;
    this.issuer = `http://127.0.0.1:${(server.address() as { port: number }).port}/realm`;
    this.#keys = keys;
    this.#foreign = foreign;
    server.on("request", (request, response) => {
      this.#answer(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
  }

  /** `port`: the one that it had before. */
  static async start(port = 0): Promise<IdentityProvider> {
    const [keys, foreign] = [await generateKeyPair(scheme.alg), await generateKeyPair(scheme.alg)];
    const server = createServer().listen(port, "127.0.0.1");
    await new Promise((resolve, reject) => server.once("listening", resolve).once("error", reject));
    return new IdentityProvider(server, keys, foreign);
  }

  /** For the daemon's configuration. */
  settings(more: object = {}): object {
    return { issuer: this.issuer, client_id: clientId, client_secret: clientSecret, ...more };
  }

  get port(): number {
    return Number(new URL(this.issuer).port);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", this.issuer);
    const path = url.pathname.replace(/^\/realm/, "");
    this.asked.push(path === "/login" ? path + url.search : path);
    if (await this.faults.intercept?.(path, response)) return;
    if (path === "/.well-known/openid-configuration") return json(response, this.#metadata());
    if (path === "/jwks")
      return json(response, { keys: [{ ...(await exportJWK(this.#keys.publicKey)), ...scheme, use: "sig" }] });
    if (path === "/login") return this.#login(url, response);
    if (path === "/token") return this.#token(request, response);
    if (path === "/userinfo") return json(response, this.faults.userInfo ?? this.person);
    response.writeHead(404).end();
  }

  #metadata(): object {
    const { issuer } = this;
    return {
      issuer,
      authorization_endpoint: `${issuer}/login`,
      token_endpoint: `${issuer}/token`,
      userinfo_endpoint: `${issuer}/userinfo`,
      jwks_uri: `${issuer}/jwks`,
      response_types_supported: ["code"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: [scheme.alg],
    };
  }

  #login({ searchParams }: URL, response: ServerResponse): void {
    const code = randomBytes(16).toString("hex");
    this.#grants.set(code, { query: searchParams, person: this.person });
    const back = new URL(searchParams.get("redirect_uri") ?? "");
    back.searchParams.set("code", code);
    back.searchParams.set("state", searchParams.get("state") ?? "");
    response.writeHead(302, { location: back.href }).end();
  }

  async #token(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = new URLSearchParams(await text(request));
    if (!this.#isClient(request, form)) {
      response.setHeader("www-authenticate", "Basic");
      return json(response, { error: "invalid_client" }, 401);
    }
    const code = form.get("code") ?? "";
    const grant = this.#grants.get(code);
    this.#grants.delete(code);
    if (!grant || grant.query.get("redirect_uri") !== form.get("redirect_uri") || !provesOrigin(grant, form))
      return json(response, { error: "invalid_grant" }, 400);
    return json(response, {
      access_token: "access",
      token_type: "Bearer",
      expires_in: 60,
      id_token: await this.#idToken(grant),
    });
  }

  #isClient(request: IncomingMessage, form: URLSearchParams): boolean {
    if (this.takesSecretIn === "body") return form.get("client_secret") === clientSecret;
    const [, basic = ""] = /^Basic (.*)$/.exec(request.headers.authorization ?? "") ?? [];
    const [id, secret = ""] = Buffer.from(basic, "base64").toString().split(":");
    // RFC 6749 section 2.3.1: form-encoded before base64.
    return id === clientId && new URLSearchParams(`s=${secret}`).get("s") === clientSecret;
  }

  async #idToken({ query, person }: Grant): Promise<string> {
    const told = Object.entries(person).filter(([name]) => !this.onlyInUserInfo.includes(name));
    const now = Math.floor(Date.now() / 1000);
    const truth = { iss: this.issuer, aud: clientId, iat: now, exp: now + this.tokenLifeS, nonce: query.get("nonce") };
    const claims = { ...Object.fromEntries(told), ...truth } as JWTPayload;
    const said = this.faults.idToken?.(claims) ?? claims;
    if (this.faults.signature === "none") return `${base64({ alg: "none" })}.${base64(said)}.`;
    const { privateKey } = this.faults.signature === "foreign-key" ? this.#foreign : this.#keys;
    return new SignJWT(said).setProtectedHeader(scheme).sign(privateKey);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** RFC 7636 section 4.6: whoever began with a challenge has to show its verifier. */
function provesOrigin({ query }: Grant, form: URLSearchParams): boolean {
  const challenge = query.get("code_challenge");
  const verifier = form.get("code_verifier");
  if (challenge === null) return verifier === null;
  if (verifier === null || !/^[A-Za-z0-9._~-]{43,128}$/.test(verifier)) return false;
  const hashed = createHash("sha256").update(verifier).digest("base64url");
  return challenge === (query.get("code_challenge_method") === "S256" ? hashed : verifier);
}

function base64(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function json(response: ServerResponse, body: object, status = 200): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
