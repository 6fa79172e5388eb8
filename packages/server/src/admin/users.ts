import type { ServiceImpl } from "@connectrpc/connect";
import type { HeadscaleService } from "@headscale/gen/headscale/v1/headscale_pb.ts";
import type { UserService } from "@headscale/gen/headscale/v1/user_pb.ts";
import { loginNameOf, TailnetError, type User, type UserRole, userRoles, usersOf } from "@headscale/tailnet";
import { createUser, deleteUser, renameUser, setUserRole, tailnetNamed } from "@headscale/tailnet/commands";
import type { Live } from "#live/live.ts";
import { actorOf, idOf, tailnetsNamed, userOf } from "./scope.ts";
import { toUser } from "./to-proto.ts";

type UserRpcs = Pick<ServiceImpl<typeof HeadscaleService>, "createUser" | "renameUser" | "deleteUser" | "listUsers">;

export function userRpcs(live: Live): UserRpcs {
  return {
    async createUser(request, context) {
      const user = await live.execute(
        createUser({
          tailnet: tailnetNamed(live.world, request.tailnet).id,
          name: request.name,
          displayName: request.displayName,
          email: request.email,
          profilePicUrl: request.pictureUrl,
        }),
        actorOf(context),
      );
      return { user: toUser(live, user) };
    },
    async renameUser(request, context) {
      const { id } = userOf(live, request.oldId, request.tailnet);
      return { user: toUser(live, await live.execute(renameUser(id, request.newName), actorOf(context))) };
    },
    async deleteUser(request, context) {
      await live.execute(deleteUser(userOf(live, request.id, request.tailnet).id), actorOf(context));
      return {};
    },
    listUsers(request) {
      const users = tailnetsNamed(live, request.tailnet).flatMap(({ id }) => usersOf(live.world, id));
      return { users: users.filter(selectedBy(request)).map((user) => toUser(live, user)) };
    },
  };
}

/** The first of name, e-mail and id that is set selects. */
function selectedBy({ id, name, email }: { readonly id: bigint; readonly name: string; readonly email: string }) {
  return (user: User): boolean => {
    if (name !== "") return (user.name || loginNameOf(user)) === name;
    if (email !== "") return user.email === email;
    return id === 0n || user.id === idOf(id, "id");
  };
}

export function userService(live: Live): ServiceImpl<typeof UserService> {
  return {
    async setUserRole(request, context) {
      const { id } = userOf(live, request.id, request.tailnet);
      const role = userRoles.find((known): known is UserRole => known === request.role);
      if (!role) throw new TailnetError("argument-invalid", `role: not one of ${userRoles.join(", ")}`);
      return { user: toUser(live, await live.execute(setUserRole(id, role), actorOf(context))) };
    },
  };
}
