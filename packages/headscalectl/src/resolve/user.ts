import type { User } from "@headscale/gen/headscale/v1/user_pb.ts";
import { CliError } from "#failure.ts";
import type { Session } from "#session.ts";
import { parseId } from "./node.ts";

/** The user with this id or, without one, with this name. @throws {CliError} not-found, or usage when several bear it. */
export async function user(
  session: Session,
  by: { id?: string | undefined; name?: string | undefined },
): Promise<User> {
  const { headscale } = await session.api();
  const { tailnet } = session;
  const request = by.id === undefined ? { name: by.name ?? "", tailnet } : { id: parseId(by.id, "user"), tailnet };
  const [found, ...others] = (await headscale.listUsers(request)).users;
  if (found !== undefined && others.length === 0) return found;
  if (found !== undefined) {
    const ids = [found, ...others].map(({ id }) => id).join(", ");
    throw new CliError("usage", `several users are called ${JSON.stringify(by.name)}: say one of the ids ${ids}`);
  }
  throw new CliError("not-found", by.id === undefined ? `no user is called ${by.name}` : `user ${by.id} not found`);
}

/** Who is meant by a flag that takes a name or an id; without it, the tailnet's default owner. @throws {CliError} */
export async function owner(session: Session, reference: string | undefined): Promise<User> {
  if (reference !== undefined) {
    return user(session, /^\d+$/.test(reference) ? { id: reference } : { name: reference });
  }
  const { tailnets } = await session.api();
  const reply = await tailnets.getTailnet({ tailnet: session.tailnet || "default" });
  if (reply.tailnet?.defaultOwner !== undefined) return reply.tailnet.defaultOwner;
  throw new CliError("usage", "the namespace has no default owner: say one with --user, or make a user first");
}
