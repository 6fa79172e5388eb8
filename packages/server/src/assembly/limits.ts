import type { AcmeLimits } from "@headscale/acme";
import type { RelayLimits } from "@headscale/derp";
import type { AdminLimits } from "#admin/limits.ts";
import type { Config } from "#config/config.ts";
import type { ControlLimits } from "#control/limits.ts";
import type { Http2Limits } from "#edge/http2.ts";
import type { EdgeLimits } from "#edge/limits.ts";
import type { LiveOptions } from "#live/live-options.ts";

/** The limits of the configuration as each part of the server wants them: all of them, so that none has a value of its own. */

type Limits = Config["limits"];

const http2 = (limits: Limits) => ({
  streams: limits["http2.streams"],
  headerFields: limits.header_fields,
  headerBytes: limits.header_size,
  resets: { burst: limits["http2.reset_burst"], perSecond: limits["http2.resets_per_second"] },
  invalidFrames: limits["http2.invalid_frames"],
  rejectedStreams: limits["http2.rejected_streams"],
});

export function edgeLimits({ limits }: Config): EdgeLimits {
  return {
    ...http2(limits),
    peekMs: limits.handshake_timeout,
    peeking: limits.silent_connections,
    handshakeMs: limits.handshake_timeout,
    headersMs: limits.header_timeout,
    bodyMs: limits.request_timeout,
    bodyBytes: Math.max(limits.api_body, limits.verify_body),
    keepAliveMs: limits.keep_alive_timeout,
    pipelined: limits.pipelined_requests,
    sessionIdleMs: limits["http2.idle_timeout"],
    controlFrames: { burst: limits["http2.control_burst"], perSecond: limits["http2.controls_per_second"] },
    unexplainedBytes: limits["http2.unexplained_size"],
    offences: {
      most: limits["offences.count"],
      perMs: limits["offences.window"],
      restMs: limits["offences.rest"],
      addresses: limits["offences.addresses"],
    },
    connections: limits.connections,
    connectionsPerAddress: limits.connections_per_address,
    tunnelKeepAliveMs: limits.tunnel_keep_alive,
    tunnelGraceMs: limits.shutdown_tunnel_timeout,
    graceMs: limits.shutdown_timeout,
    hangUpMs: limits.refusal_timeout,
  };
}

/** HTTP/2 inside Noise, under the listener's rules. */
export function innerHttp2Limits(config: Config): Http2Limits {
  return {
    ...edgeLimits(config),
    windowBytes: config.limits["client.request_window"],
    sessionIdleMs: config.limits["client.idle_timeout"],
  };
}

export function controlLimits({ limits }: Config): ControlLimits {
  return {
    body: { maxBytes: limits.machine_body, timeoutMs: limits.request_timeout },
    report: {
      endpoints: limits["client.endpoints"],
      listEntries: limits["client.list_entries"],
      hostinfoBytes: limits["client.hostinfo_size"],
    },
    sessionsPerMachine: limits.sessions_per_machine,
    loginsPerMinute: limits.logins_per_minute,
    loginHoldMs: limits["client.login_hold"],
    sshCheckHoldMs: limits["client.ssh_check_hold"],
    retryAfterMs: limits["client.retry_after"],
    questions: limits["client.questions"],
    webSocketMessageBytes: limits["client.websocket_message"],
    hangUpMs: limits.refusal_timeout,
    handshakes: { burst: limits["client.handshake_burst"], perSecond: limits["client.handshakes_per_second"] },
    firstByteMs: limits.handshake_timeout,
    requests: { burst: limits["client.request_burst"], perSecond: limits["client.requests_per_second"] },
    refusals: limits["client.refusals"],
    mapRequests: { burst: limits["client.map_burst"], perSecond: limits["client.maps_per_second"] },
    heldBodyBytes: limits["client.unfinished_bodies"],
    mapWriteMs: limits["client.write_timeout"],
    streams: limits["http2.streams"],
    strangers: {
      connections: limits["stranger.connections"],
      requests: { burst: limits["stranger.request_burst"], perSecond: limits["stranger.requests_per_second"] },
      streams: Math.min(limits["stranger.streams"], limits["http2.streams"]),
      bodyBytes: Math.min(limits["stranger.body"], limits.machine_body),
    },
    pingIntervalMs: limits["client.ping_interval"],
    pingTimeoutMs: limits["client.ping_timeout"],
  };
}

export function adminLimits({ limits }: Config): AdminLimits {
  return {
    watchers: limits.watchers,
    watchQuietMs: limits["watch.quiet"],
    pageSize: limits["api.page_size"],
    defaultPageSize: limits["api.default_page_size"],
    pingMs: limits["api.ping_timeout"],
  };
}

export function liveLimits({ limits, node, tuning }: Config): LiveOptions["limits"] {
  return {
    maxWaitingCommands: limits.waiting_changes,
    feedBacklog: limits["watch.backlog"],
    offlineGraceMs: tuning.offlineGraceMs,
    ephemeralInactivityMs: node.ephemeralTimeoutMs,
    presenceFlushMs: tuning.presenceFlushMs,
  };
}

/** All but the time that mesh members get: the built-in relay has none. */
export function relayLimits({ limits }: Config): Omit<RelayLimits, "meshWriteTimeoutMs"> {
  const rate = limits["relay.rate"];
  return {
    queueDepth: limits["relay.queue_packets"],
    queueBytes: limits["relay.queue_size"],
    writeTimeoutMs: limits["relay.write_timeout"],
    loginTimeoutMs: limits["relay.login_timeout"],
    verifyTimeoutMs: limits["relay.verify_timeout"],
    refusalMs: limits["relay.refusal_memory"],
    refusals: limits["relay.refusals"],
    clientInfoBytes: limits["relay.login_size"],
    pongTimeoutMs: limits["relay.pong_timeout"],
    keepAliveMs: limits["relay.keep_alive_interval"],
    tcpKeepAliveMs: limits["relay.tcp_keep_alive"],
    notHereBurst: limits["relay.absences"],
    hangUpMs: limits.refusal_timeout,
    pendingLogins: limits["relay.logins"],
    pendingLoginsPerAddress: limits["relay.logins_per_address"],
    connectionsPerAddress: limits["relay.connections_per_address"],
    ...(rate > 0 && { rateLimit: { bytesPerSecond: rate, burstBytes: limits["relay.rate_burst"] } }),
  };
}

export function acmeLimits({ limits }: Config): AcmeLimits {
  return {
    requestMs: limits["acme.request_timeout"],
    answerBytes: limits["acme.answer_size"],
    orderMs: limits["acme.order_timeout"],
  };
}
