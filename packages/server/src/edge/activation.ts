import type { ListenAddress } from "./listen-address.ts";

const firstFd = 3;

/**
 * The sockets systemd has opened for process `pid`; empty when it was not socket-activated.
 * Source: sd_listen_fds(3). Children must not believe they were meant: remove LISTEN_* from the environment afterwards.
 */
export function activatedSockets(
  env: Readonly<Record<string, string | undefined>>,
  pid: number,
): (ListenAddress & { readonly kind: "inherited" })[] {
  const count = /^\d{1,4}$/.test(env.LISTEN_FDS ?? "") ? Number(env.LISTEN_FDS) : 0;
  if (env.LISTEN_PID !== String(pid)) return [];
  const names = env.LISTEN_FDNAMES?.split(":") ?? [];
  return Array.from({ length: count }, (_, n) => ({
    kind: "inherited",
    fd: firstFd + n,
    name: names[n] || "unknown",
  }));
}
