import { answer, answerText, type EdgeRequest, type EdgeResponse, type RequestHandler } from "./http-message.ts";

export interface Port80Options {
  /** `server_url`: where everything else is sent. */
  readonly serverUrl: string;
  /** Answers to HTTP-01 challenges (RFC 8555 §8.3). */
  readonly http01?: (token: string) => Promise<string | undefined>;
}

const challengePath = "/.well-known/acme-challenge/";

/** What plain HTTP is for beside a TLS listener: ACME challenges, the captive-portal check, and a pointer to the real address. */
export function port80Handler({ serverUrl, http01 }: Port80Options): RequestHandler {
  return async (request, response) => {
    const path = (request.url ?? "").split("?")[0] ?? "";
    if (path === "/generate_204") return answerGenerate204(request, response);
    if (http01 && path.startsWith(challengePath)) {
      const proof = await http01(path.slice(challengePath.length));
      if (proof !== undefined) return answer(response, 200, { "content-type": "application/octet-stream" }, proof);
      return answerText(response, 404, "Nobody is waiting for this challenge.");
    }
    return redirect(request, response, serverUrl);
  };
}

/** Tells a client behind a captive portal that nobody is in between. Source: tailscale cmd/derper, derpserver@de9ec7ee. */
export function answerGenerate204(request: EdgeRequest, response: EdgeResponse): void {
  const challenge = request.headers["x-tailscale-challenge"];
  if (typeof challenge === "string" && /^[A-Za-z0-9.\-_:]{1,64}$/.test(challenge))
    response.setHeader("x-tailscale-response", `response ${challenge}`);
  answer(response, 204, { "cache-control": "no-cache, no-store, must-revalidate, no-transform, max-age=0" }, "");
}

/** A method other than GET is kept (RFC 9110 §15.4.8). */
function redirect(request: EdgeRequest, response: EdgeResponse, serverUrl: string): void {
  const target = new URL(serverUrl);
  // Never let "//elsewhere" or an absolute URL choose the host.
  const path = /^\/+(.*)$/s.exec(request.url ?? "")?.[1] ?? "";
  const status = request.method === "GET" || request.method === "HEAD" ? 302 : 307;
  const location = `${target.origin}${target.pathname.replace(/\/$/, "")}/${path}`;
  answerText(response, status, `This server is at ${location}`, { location });
}
