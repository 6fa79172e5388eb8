import { randomBytes } from "node:crypto";
import {
  type AuthRequest,
  type AuthRequestId,
  checkedOwner,
  defaultTailnetId,
  nodeRenewedBy,
  type ProviderIdentity,
  parseAuthRequestId,
  TailnetError,
  type User,
  userOfIdentity,
} from "@headscale/tailnet";
import { approveBySignIn, registerBySignIn, rejectBySignIn, type SignIn } from "@headscale/tailnet/commands";
import type { OidcConfig } from "#config/section/oidc.ts";
import type { Live } from "#live/live.ts";
import { QueueFullError } from "#live/write-queue.ts";
import { equalSecret } from "../equal-secret.ts";
import { letIn } from "../let-in.ts";
import type { Seal } from "../seal.ts";
import {
  type Arrival,
  answerPath,
  callbackPath,
  type Keepsake,
  loginCookie,
  ticketCookie,
  type Verdict,
} from "./arrival.ts";
import type { Claims } from "./claims.ts";
import { identityOf } from "./identity.ts";
import { assertMaySignIn } from "./may-sign-in.ts";
import type { LoginChecks, OidcProvider, SignedIn } from "./provider.ts";
import { accountOf, questionOf } from "./question.ts";
import { SignInError } from "./sign-in-error.ts";
import { Spent } from "./spent.ts";

export interface AuthorityOptions {
  readonly live: Live;
  readonly provider: OidcProvider;
  readonly config: OidcConfig;
  readonly seal: Seal;
  /** Codes that are exchanged at the same time: each is a request to the provider. */
  readonly maxExchanges: number;
  /** Told who was refused and why, so that an administrator can help. */
  onRefused(error: SignInError, claims: Claims | undefined): void;
}

interface Ticket {
  readonly identity: ProviderIdentity;
  readonly proof: string;
  readonly expiry?: number;
}

type BegunLogin = LoginChecks & { readonly authId: AuthRequestId; readonly expiresAt: number };

const maxSpent = 16_384;

/**
 * Lets machines in, and answers SSH checks, for whoever the identity provider vouches for. What a login needs between its
 * steps is sealed into the browser's cookies: there is nothing here to fill up, and any replica can go on with it.
 */
export class OidcAuthority {
  readonly #options: AuthorityOptions;
  readonly #spent = new Spent(maxSpent);
  #exchanges = 0;

  constructor(options: AuthorityOptions) {
    this.#options = options;
  }

  /** The way to the provider for a login that waits; undefined where only a command helps, or nothing any more. */
  async begin(authId: AuthRequestId): Promise<{ readonly url: string; readonly cookie: Keepsake } | undefined> {
    const { live, provider, config, seal } = this.#options;
    const request = live.world.authRequests.get(authId);
    if (request?.verdict !== "pending" || request.expiresAt <= live.now()) return undefined;
    if (request.purpose.kind === "ssh-check" && !checkedOwner(live.world, request)?.providerId) return undefined;
    const checks: LoginChecks = {
      state: freshToken(),
      nonce: freshToken(),
      ...(config.pkce !== undefined && { verifier: freshToken() }),
    };
    const url = await provider.loginUrl(checks);
    if (url === undefined) return undefined;
    const { expiresAt } = request;
    const value = seal.close("login", { ...checks, authId, expiresAt } satisfies BegunLogin, expiresAt);
    return { url, cookie: { name: loginCookie(checks.state), value, path: callbackPath, expiresAt } };
  }

  /** The browser is back from the provider. `cookie` reads what it kept. @throws {SignInError} */
  async arrive(query: string, cookie: (name: string) => string | undefined): Promise<Arrival> {
    const login = this.#begunLogin(new URLSearchParams(query), cookie);
    const { claims, expiresAt } = await this.#redeem(query, login);
    return this.#refusing(claims, async () => {
      const { live, config } = this.#options;
      const identity = identityOf(claims, config.emailVerifiedRequired);
      assertMaySignIn(claims, config);
      const request = this.#waiting(login.authId);
      const user = userOfIdentity(live.world, defaultTailnetId, identity);
      this.#assertOwner(request, user);
      const expiry = config.useExpiryFromToken ? { expiry: expiresAt } : {};
      if (nodeRenewedBy(live.world, request, user)) {
        return this.#register({ authId: request.id, tailnet: defaultTailnetId, identity, ...expiry }, "renewed");
      }
      return this.#ask(request, { identity, proof: freshToken(), ...expiry }, user);
    });
  }

  /** The state is this browser's own, and comes back for the first time. */
  #begunLogin(query: URLSearchParams, cookie: (name: string) => string | undefined): BegunLogin {
    const { seal, live } = this.#options;
    const state = query.get("state") ?? "";
    if (state === "" || !(query.has("code") || query.has("error")))
      throw this.#refuse(
        new SignInError("callback-incomplete", "the callback has no state, or neither code nor error"),
      );
    const kept = cookie(loginCookie(state));
    if (kept === undefined)
      throw this.#refuse(
        new SignInError("not-begun-here", "this browser holds no login with the state that came back"),
      );
    const login = seal.open<BegunLogin>("login", kept, live.now());
    if (!login) throw this.#refuse(new SignInError("ran-out", "the login's cookie has run out or is not ours"));
    if (!equalSecret(login.state, state))
      throw this.#refuse(new SignInError("state-mismatch", "the state that came back is not the one of this browser"));
    if (!this.#spent.use(state, login.expiresAt, live.now()))
      throw this.#refuse(new SignInError("already-used", "the same callback came twice"));
    return login;
  }

  async #redeem(query: string, login: BegunLogin): Promise<SignedIn> {
    const { maxExchanges, provider } = this.#options;
    if (this.#exchanges >= maxExchanges)
      throw this.#refuse(new SignInError("too-many", `${maxExchanges} logins are at the provider already`));
    this.#exchanges++;
    try {
      return await this.#refusing(undefined, () => provider.redeem(query, login));
    } finally {
      this.#exchanges--;
    }
  }

  #waiting(authId: AuthRequestId): AuthRequest {
    const { live } = this.#options;
    const request = live.world.authRequests.get(authId);
    if (request?.verdict === "pending" && request.expiresAt > live.now()) return request;
    throw new SignInError("ran-out", "the login waits no more");
  }

  #assertOwner(request: AuthRequest, user: User | undefined): void {
    if (request.purpose.kind !== "ssh-check") return;
    const owner = checkedOwner(this.#options.live.world, request);
    if (!owner || owner.id !== user?.id) throw new SignInError("not-the-owner", "an SSH check is its source's owner's");
  }

  #ask(request: AuthRequest, ticket: Ticket, user: User | undefined): Arrival {
    const { live, seal } = this.#options;
    const question = questionOf(live, request, user?.id);
    const path = answerPath(question.kind, request.id);
    const value = seal.close(path, ticket, request.expiresAt);
    return {
      kind: "asks",
      question,
      account: accountOf(ticket.identity),
      authId: request.id,
      proof: ticket.proof,
      ticket: { name: ticketCookie, value, path, expiresAt: request.expiresAt },
    };
  }

  /** The answer to what `arrive` asked; `path` is where it was sent to. @throws {SignInError} */
  async answer(path: string, sealed: string | undefined, form: URLSearchParams): Promise<Verdict> {
    const { live, seal } = this.#options;
    const ticket = sealed === undefined ? undefined : seal.open<Ticket>(path, sealed, live.now());
    if (!ticket) throw this.#refuse(new SignInError("ran-out", "the answer came without the ticket that was given"));
    if (!equalSecret(form.get("proof") ?? "", ticket.proof))
      throw this.#refuse(new SignInError("form-invalid", "the answer did not come from the page that asked"));
    const authId = parseAuthRequestId(path.slice(path.lastIndexOf("/") + 1));
    const { identity, expiry } = ticket;
    const by: SignIn = { authId, tailnet: defaultTailnetId, identity, ...(expiry !== undefined && { expiry }) };
    return this.#refusing(undefined, () => this.#decide(by, form.get("verdict")));
  }

  async #decide(by: SignIn, verdict: string | null): Promise<Verdict> {
    const { live } = this.#options;
    const request = this.#waiting(by.authId);
    const account = accountOf(by.identity);
    if (verdict === "reject") {
      await live.execute(rejectBySignIn(by), this.#actor(by));
      return { kind: "rejected", account, device: "" };
    }
    if (verdict !== "accept") throw new SignInError("form-invalid", "the answer is neither accept nor reject");
    if (request.purpose.kind === "register") return this.#register(by, "registered");
    await live.execute(approveBySignIn(by), this.#actor(by));
    return { kind: "ssh-approved", account, device: live.world.nodes.get(request.purpose.dst)?.name ?? "" };
  }

  async #register(by: SignIn, kind: "registered" | "renewed"): Promise<Verdict> {
    const command = registerBySignIn(by);
    const { node } = await letIn(this.#options.live, by.authId, command, this.#actor(by), (result) => result.node);
    return { kind, account: accountOf(by.identity), device: node.name };
  }

  /** For the audit log: a user who is there already, or the provider for one who is just coming. */
  #actor({ tailnet, identity }: SignIn): string {
    const user = userOfIdentity(this.#options.live.world, tailnet, identity);
    return user ? `user:${user.id}` : "oidc";
  }

  async #refusing<T>(claims: Claims | undefined, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof SignInError) throw this.#refuse(error, claims);
      if (error instanceof TailnetError) throw this.#refuse(fromModel(error), claims);
      if (error instanceof QueueFullError)
        throw this.#refuse(new SignInError("too-many", error.message, { cause: error }), claims);
      throw error;
    }
  }

  #refuse(error: SignInError, claims?: Claims): SignInError {
    this.#options.onRefused(error, claims);
    return error;
  }
}

/** 256 bits that a URL can carry: also a verifier as RFC 7636 section 4.1 wants it. */
function freshToken(): string {
  return randomBytes(32).toString("base64url");
}

function fromModel(error: TailnetError): SignInError {
  const options = { cause: error };
  if (error.code === "auth-request-not-found") return new SignInError("ran-out", error.message, options);
  if (error.code === "not-the-owner") return new SignInError("not-the-owner", error.message, options);
  return new SignInError("device-refused", error.message, options);
}
