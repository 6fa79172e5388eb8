import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { PolicyError } from "@headscale/policy";
import { StoreError, type StoreErrorCode } from "@headscale/store";
import { TailnetError, type TailnetErrorCode } from "@headscale/tailnet";
import { PolicyKeeperError } from "#live/policy-keeper.ts";
import { QueueFullError } from "#live/write-queue.ts";

export const connectCodeOf = {
  "tailnet-not-found": Code.NotFound,
  "user-not-found": Code.NotFound,
  "node-not-found": Code.NotFound,
  "auth-key-not-found": Code.NotFound,
  "api-key-not-found": Code.NotFound,
  "auth-request-not-found": Code.NotFound,
  "name-taken": Code.AlreadyExists,
  "name-invalid": Code.InvalidArgument,
  "argument-invalid": Code.InvalidArgument,
  "not-empty": Code.FailedPrecondition,
  "tag-not-permitted": Code.InvalidArgument,
  "tag-invalid": Code.InvalidArgument,
  "auth-key-invalid": Code.InvalidArgument,
  "auth-key-revoked": Code.FailedPrecondition,
  "auth-key-expired": Code.FailedPrecondition,
  "auth-key-used": Code.FailedPrecondition,
  "node-key-in-use": Code.FailedPrecondition,
  "machine-mismatch": Code.PermissionDenied,
  "tailnet-refused": Code.FailedPrecondition,
  "not-the-owner": Code.PermissionDenied,
  "expiry-extension": Code.InvalidArgument,
  "revision-conflict": Code.Aborted,
  "addresses-exhausted": Code.ResourceExhausted,
  "too-many-requests": Code.ResourceExhausted,
} satisfies Record<TailnetErrorCode, Code>;

const storeCodeOf = {
  "stale-revision": Code.Aborted,
  conflict: Code.Aborted,
  unavailable: Code.Unavailable,
  locked: Code.Unavailable,
  "newer-schema": Code.FailedPrecondition,
  "foreign-database": Code.FailedPrecondition,
  "history-gone": Code.OutOfRange,
  corrupt: Code.DataLoss,
} satisfies Record<StoreErrorCode, Code>;

/** What a caller is told; causes go to the log. */
export function toConnectError(error: unknown): ConnectError | undefined {
  if (error instanceof ConnectError) return error;
  if (error instanceof TailnetError) return new ConnectError(error.message, connectCodeOf[error.code]);
  if (error instanceof StoreError) return new ConnectError(error.message, storeCodeOf[error.code]);
  if (error instanceof PolicyError) return new ConnectError(error.message, Code.InvalidArgument);
  if (error instanceof PolicyKeeperError) return new ConnectError(error.message, Code.FailedPrecondition);
  if (error instanceof QueueFullError) return new ConnectError(error.message, Code.Unavailable);
  return undefined;
}

/** Gives every failure its code, of single answers and of streams; what nobody expected is logged and told as "internal error". */
export function translateErrors(onUnexpected: (where: string, error: unknown) => void): Interceptor {
  return (next) => async (request) => {
    const translate = (error: unknown): ConnectError => {
      const known = toConnectError(error);
      const isTrouble = error instanceof StoreError && error.code !== "history-gone";
      if (!known || isTrouble) onUnexpected(request.method.name, error);
      return known ?? new ConnectError("internal error", Code.Internal);
    };
    try {
      const response = await next(request);
      return response.stream ? { ...response, message: translated(response.message, translate) } : response;
    } catch (error) {
      throw translate(error);
    }
  };
}

/** The same stream; what it throws is translated. */
async function* translated<T>(
  stream: AsyncIterable<T>,
  translate: (error: unknown) => ConnectError,
): AsyncGenerator<T> {
  try {
    yield* stream;
  } catch (error) {
    throw translate(error);
  }
}
