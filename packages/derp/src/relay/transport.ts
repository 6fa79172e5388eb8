/** A byte stream to one client: a socket after its upgrade, or a WebSocket whose messages carry the stream. */
export interface Transport {
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Called once. `onChunk` gets chunks it may keep; `onEnd` comes once, whatever ended the stream. */
  open(onChunk: (chunk: Buffer) => void, onEnd: (cause?: Error) => void): void;
  /** `bytes` belong to the transport until `done`. After the end `done` may never come. */
  write(bytes: Buffer, done: () => void): void;
  pause(): void;
  resume(): void;
  /** Closes at once; bytes not yet sent are lost. */
  destroy(): void;
}
