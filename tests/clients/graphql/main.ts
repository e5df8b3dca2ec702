// What a shop does with a line through GraphQL, with types made from the published schema.

import assert from "node:assert/strict";

import { ask, watch } from "./ask.js";
import { graphql } from "./made/gql.js";
import type { CreateLineMutation, RenewLineMutation } from "./made/graphql.js";

const createLine = graphql(`
  mutation CreateLine($input: CreateLineInput!, $key: String, $dryRun: Boolean) {
    createLine(input: $input, idempotencyKey: $key, dryRun: $dryRun) {
      __typename
      ... on CreateLineSuccess {
        line {
          id
          username
          expiresAt
        }
        password
      }
      ... on OperationAccepted {
        operation {
          id
          state
        }
      }
      ... on DryRun {
        credits
      }
      ... on Problem {
        code
        detail
        status
        errors {
          pointer
        }
      }
    }
  }
`);

const renewLine = graphql(`
  mutation RenewLine($input: RenewLineInput!) {
    renewLine(input: $input) {
      __typename
      ... on RenewLineSuccess {
        line {
          expiresAt
        }
      }
      ... on OperationAccepted {
        operation {
          id
          state
        }
      }
      ... on DryRun {
        credits
      }
      ... on Problem {
        code
        detail
      }
    }
  }
`);

const listLines = graphql(`
  query ListLines($first: Int) {
    lines(first: $first) {
      edges {
        node {
          id
          username
          state
          info {
            activeConnections
            maxConnections
          }
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

const watchLine = graphql(`
  subscription WatchLine($id: ID!) {
    lineChanged(id: $id) {
      id
      expiresAt
    }
  }
`);

/** Say what came of an order. Each member of the union is handled, or this does not compile. */
function told(result: CreateLineMutation["createLine"]): string {
  switch (result.__typename) {
    case "CreateLineSuccess":
      return `made ${result.line.username}`;
    case "OperationAccepted":
      return `under way: ${result.operation?.state}`;
    case "DryRun":
      return `would cost ${result.credits}`;
    case "ExternalIdTakenProblem":
      return `there already (${result.status})`;
    default:
      // Only problems are left: anything else has no code.
      return `refused: ${result.code} ${result.errors?.map((fault) => fault.pointer).join() ?? ""}`;
  }
}

function renewed(result: RenewLineMutation["renewLine"]): string | null {
  assert(result.__typename === "RenewLineSuccess", JSON.stringify(result));
  return result.line.expiresAt;
}

const input = { externalId: "order-1", period: "P1M", bouquetIds: [1, 2] };
const { createLine: made } = await ask(createLine, { input, key: "order-1" });
assert(made.__typename === "CreateLineSuccess", JSON.stringify(made));
const { id, expiresAt } = made.line;

const tried = await ask(createLine, { input: { ...input, externalId: "order-2" }, dryRun: true });
const again = await ask(createLine, { input });
const wrong = await ask(createLine, { input: { ...input, externalId: "order-3", bouquetIds: [-1] } });

let asked: Promise<RenewLineMutation> | undefined;
const renew = () => {
  asked ??= ask(renewLine, { input: { id, period: "P1M" } });
};
let seen: string | null = null;
for await (const { lineChanged } of watch(watchLine, { id }, renew)) {
  seen = lineChanged.expiresAt;
  if (seen !== expiresAt) break; // Some change of the line may be told before the renewal is.
}
assert(asked);
const until = renewed((await asked).renewLine);

const { lines } = await ask(listLines, { first: 10 });

console.log(
  JSON.stringify({
    username: made.line.username,
    password: made.password,
    tried: told(tried.createLine),
    again: told(again.createLine),
    wrong: told(wrong.createLine),
    was_renewed: (until ?? "") > (expiresAt ?? ""),
    was_told: seen === until,
    listed: lines.edges.map(({ node }) => [node.state, node.info?.activeConnections]),
    has_more: lines.pageInfo.hasNextPage,
  }),
);
