// What a shop does with a line through REST, with types made from the published document.

import assert from "node:assert/strict";

import createClient from "openapi-fetch";

import type { components, paths } from "./openapi.js";

type LineState = components["schemas"]["LineState"];

const { GATEWAY_URL, GATEWAY_KEY } = process.env;
const client = createClient<paths>({
  baseUrl: GATEWAY_URL,
  headers: { Authorization: `Bearer ${GATEWAY_KEY}` },
});

/** Tell whether a change is final: else the answer is an operation, which is still under way. */
function isLine<A extends object>(answer?: A): answer is Extract<A, { username: string }> {
  return answer !== undefined && "username" in answer;
}

function mayWatch(state: LineState): boolean {
  switch (state) {
    case "active":
      return true;
    case "pending":
    case "unknown":
    case "suspended":
    case "expired":
    case "banned":
    case "terminated":
      return false;
    default: {
      const none: never = state;
      return none;
    }
  }
}

const order = { external_id: "order-1", period: "P1M", bouquet_ids: [1, 2] };
const created = await client.POST("/v1/lines", {
  params: { header: { "Idempotency-Key": "order-1" } },
  body: order,
});
assert(isLine(created.data));
const bought = created.data;

const read = await client.GET("/v1/lines/{line_id}", {
  params: { path: { line_id: bought.id } },
});
assert(read.data);

const renewed = await client.POST("/v1/lines/{line_id}/renew", {
  params: { path: { line_id: bought.id } },
  body: { period: "P1M", reference: "invoice-1" },
});
assert(isLine(renewed.data));
const extended = renewed.data;

const listed = await client.GET("/v1/lines", {
  params: { query: { external_id: "order-1", limit: 10 } },
});
assert(listed.data);

const tried = await client.POST("/v1/lines", {
  params: { query: { dry_run: true } },
  body: { ...order, external_id: "order-2" },
});
assert(tried.data && "dry_run" in tried.data);

const again = await client.POST("/v1/lines", { body: order });
assert(again.error);
const wrong = await client.POST("/v1/lines", { body: { ...order, bouquet_ids: [-1] } });
assert(wrong.error);

console.log(
  JSON.stringify({
    username: bought.username,
    password: bought.password,
    may_watch: mayWatch(read.data.state),
    observed: read.data.observed?.stale ?? null,
    was_renewed: (extended.expires_at ?? "") > (bought.expires_at ?? ""),
    listed: listed.data.data.map((line) => line.id === bought.id),
    credits: tried.data.credits,
    taken: [again.response.status, again.error.code],
    faults: wrong.error.errors?.map((fault) => fault.pointer),
  }),
);
