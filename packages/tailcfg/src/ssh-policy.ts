/** Who may log in: one match suffices. Source: tailscale tailcfg/tailcfg.go@de9ec7ee SSHPrincipal. */
export interface SSHPrincipal {
  readonly node?: string;
  readonly nodeIP?: string;
  readonly userLogin?: string;
  readonly any?: boolean;
}

/** What to do with a matching connection; `sessionDuration` in nanoseconds. */
export interface SSHAction {
  readonly message?: string;
  readonly reject?: boolean;
  readonly accept?: boolean;
  readonly sessionDuration?: number;
  readonly allowAgentForwarding?: boolean;
  readonly holdAndDelegate?: string;
  readonly allowLocalPortForwarding?: boolean;
  readonly allowRemotePortForwarding?: boolean;
  readonly recorders?: readonly string[];
  readonly onRecordingFailure?: {
    readonly RejectSessionWithMessage?: string;
    readonly TerminateSessionWithMessage?: string;
    readonly NotifyURL?: string;
  };
}

/** First matching rule wins. `sshUsers`: requested name (or `*`) → local user, `=` same name, `""` no match. */
export interface SSHRule {
  readonly ruleExpires?: string;
  readonly principals: readonly SSHPrincipal[];
  readonly sshUsers: Readonly<Record<string, string>>;
  readonly action: SSHAction;
  readonly acceptEnv?: readonly string[];
}

export interface SSHPolicy {
  readonly rules: readonly SSHRule[];
}
