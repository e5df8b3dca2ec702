// The whole of a GraphQL client: one POST for an answer, one stream for a subscription.

import { createClient } from "graphql-sse";

import type { TypedDocumentString } from "./made/graphql.js";

const { GATEWAY_URL, GATEWAY_KEY } = process.env;
const url = `${GATEWAY_URL}/graphql`;
const authorization = `Bearer ${GATEWAY_KEY}`;

/** Return the data of a query or mutation; throw what is no answer, such as a refused key. */
export async function ask<R, V>(document: TypedDocumentString<R, V>, variables: V): Promise<R> {
  const response = await fetch(url, {
    method: "POST",
    headers: {
      authorization,
      accept: "application/graphql-response+json",
      "content-type": "application/json",
    },
    body: JSON.stringify({ query: document.toString(), variables }),
  });
  const result = (await response.json()) as { data?: R | null; errors?: unknown };
  if (result.errors !== undefined || !result.data) throw new Error(JSON.stringify(result));
  return result.data;
}

/** Yield what a subscription tells; call `begin` once it is heard. */
export async function* watch<R, V extends Record<string, unknown>>(
  document: TypedDocumentString<R, V>,
  variables: V,
  begin: () => void,
): AsyncGenerator<R> {
  const client = createClient({ url, headers: { authorization }, retryAttempts: 0 });
  const results = client.iterate<R>({ query: document.toString(), variables }, { connected: begin });
  for await (const result of results) {
    if (result.errors !== undefined || !result.data) throw new Error(JSON.stringify(result));
    yield result.data;
  }
}
