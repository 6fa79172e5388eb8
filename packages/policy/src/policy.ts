export type {
  Affected,
  AttributeValue,
  CompiledPolicy,
  CompileInput,
  NodeRoutes,
  PacketFilters,
  PeerChange,
  PolicyChange,
  PolicyNode,
  PolicyService,
  PolicySettings,
  PolicyUpdate,
  PolicyUser,
  SSHCheck,
  Topology,
  UserRole,
} from "./engine.ts";
export type { Policy } from "./syntax/policy-document.ts";
