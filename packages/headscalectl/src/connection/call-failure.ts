import { Code, ConnectError } from "@connectrpc/connect";
import { CliError, type FailureKind } from "#failure.ts";

const kindOf = {
  [Code.Canceled]: "other",
  [Code.Unknown]: "other",
  [Code.InvalidArgument]: "usage",
  [Code.DeadlineExceeded]: "unavailable",
  [Code.NotFound]: "not-found",
  [Code.AlreadyExists]: "conflict",
  [Code.PermissionDenied]: "denied",
  [Code.ResourceExhausted]: "unavailable",
  [Code.FailedPrecondition]: "conflict",
  [Code.Aborted]: "conflict",
  [Code.OutOfRange]: "usage",
  [Code.Unimplemented]: "other",
  [Code.Internal]: "other",
  [Code.Unavailable]: "unavailable",
  [Code.DataLoss]: "other",
  [Code.Unauthenticated]: "denied",
} satisfies Record<Code, FailureKind>;

/** What Node says when no answer came, in words. */
const networkTexts: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nobody listens there",
  ECONNRESET: "the connection was cut",
  ENOENT: "there is no such socket",
  EACCES: "permission denied",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "the host's name cannot be resolved right now",
  ETIMEDOUT: "no answer",
  EHOSTUNREACH: "the host cannot be reached",
  ENETUNREACH: "the network cannot be reached",
  EPROTO: "it does not speak TLS",
  ERR_SSL_WRONG_VERSION_NUMBER: "it does not speak TLS; is it an http:// address?",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "it does not speak TLS; is it an http:// address?",
  HPE_INVALID_CONSTANT: "it does not speak HTTP",
};

/** The failure of a call to the server at `where`, in a sentence and a kind. A `CliError` stays as it is. */
export function callFailure(error: unknown, where: string): CliError {
  if (error instanceof CliError) return error;
  const failure = ConnectError.from(error);
  const network = networkCode(error);
  if (network !== undefined) return networkFailure(network, failure, where);
  if (failure.rawMessage.includes("missing EndStreamResponse")) {
    return new CliError("unavailable", `${where}: ${networkTexts.ECONNRESET}`, { cause: error });
  }
  if (failure.code === Code.DeadlineExceeded) {
    return new CliError("unavailable", `${where} did not answer in time (see --timeout)`, { cause: error });
  }
  if (/^HTTP \d/.test(failure.rawMessage)) {
    const doubt = "is this the address of headscale, and rightly http:// or https://?";
    return new CliError("other", `${where} answers like no headscale (${failure.rawMessage}): ${doubt}`, {
      cause: error,
    });
  }
  if (failure.code === Code.Unimplemented) {
    return new CliError("other", `${where} does not offer this: ${failure.rawMessage}`, { cause: error });
  }
  return new CliError(kindOf[failure.code], failure.rawMessage || `failed (${Code[failure.code]})`, { cause: error });
}

const untrusted = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ALTNAME/;

/** Whether a call ended at the server's certificate. */
export function isUntrusted(error: unknown): boolean {
  return untrusted.test(networkCode(error) ?? "");
}

function networkFailure(code: string, cause: ConnectError, where: string): CliError {
  if (untrusted.test(code)) {
    const hint =
      "let this system trust its issuer, name that with NODE_EXTRA_CA_CERTS, or skip the check with --insecure";
    return new CliError("unavailable", `${where}: its certificate is not trusted (${code}); ${hint}`, { cause });
  }
  return new CliError(code === "EACCES" ? "denied" : "unavailable", `${where}: ${networkTexts[code] ?? code}`, {
    cause,
  });
}

/** Node's own code, anywhere in the chain of causes. */
function networkCode(error: unknown): string | undefined {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 8; cause = cause.cause, depth += 1) {
    if ("code" in cause && typeof cause.code === "string") return cause.code;
    if (cause instanceof AggregateError && cause.errors[0] !== undefined) return networkCode(cause.errors[0]);
  }
  return undefined;
}
