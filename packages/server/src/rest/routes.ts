import type { DescMethod } from "@bufbuild/protobuf";
import { getOption, hasOption } from "@bufbuild/protobuf";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { http } from "@headscale/gen/google/api/annotations_pb.ts";
import type { HttpRule } from "@headscale/gen/google/api/http_pb.ts";
import { type PathTemplate, parsePathTemplate } from "./path-template.ts";

export type Verb = "GET" | "PUT" | "POST" | "DELETE" | "PATCH";

/** One REST operation and the RPC that serves it. */
export interface Route {
  readonly verb: Verb;
  readonly path: PathTemplate;
  /** `*`: the body is the request message. A field's proto name: the body is that field. Empty: there is no body. */
  readonly body: string;
  readonly handler: UniversalHandler;
  readonly method: DescMethod;
}

export type Found =
  | { readonly kind: "route"; readonly route: Route; readonly bound: ReadonlyMap<string, string> }
  | { readonly kind: "other-verbs"; readonly verbs: readonly Verb[] }
  | { readonly kind: "nothing" };

/** The routes that the handlers' RPCs are annotated with (`google.api.http`), the most specific path first. */
export function routesOf(handlers: readonly UniversalHandler[]): readonly Route[] {
  return handlers
    .filter(({ method }) => hasOption(method, http))
    .flatMap((handler) => {
      const rule = getOption(handler.method, http);
      return [rule, ...rule.additionalBindings].map((binding) => routeOf(handler, binding));
    })
    .sort((a, b) => b.path.literals - a.path.literals);
}

function routeOf(handler: UniversalHandler, rule: HttpRule): Route {
  const { method } = handler;
  const { pattern } = rule;
  if (pattern.case === undefined || pattern.case === "custom") throw new Error(`${method}: unsupported HTTP rule`);
  const verb = pattern.case.toUpperCase() as Verb;
  return { verb, path: parsePathTemplate(pattern.value), body: rule.body, handler, method };
}

/** The operation behind a verb and a path; HEAD counts as GET. */
export function findRoute(routes: readonly Route[], verb: string, path: string): Found {
  const wanted = verb === "HEAD" ? "GET" : verb;
  const verbs = new Set<Verb>();
  for (const route of routes) {
    const bound = route.path.match(path);
    if (bound === undefined) continue;
    if (route.verb === wanted) return { kind: "route", route, bound };
    verbs.add(route.verb);
  }
  return verbs.size === 0 ? { kind: "nothing" } : { kind: "other-verbs", verbs: [...verbs] };
}
