/** As much of a request as the endpoints beside the relay look at. */
export interface EndpointRequest {
  readonly method: string;
  /** The header's value; `name` is lower case. */
  readonly header: (name: string) => string | undefined;
  readonly query: URLSearchParams;
}

export interface EndpointResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Empty for none. */
  readonly body: string;
}

export type Endpoint = (request: EndpointRequest) => EndpointResponse;
