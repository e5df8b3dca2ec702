// What graphql-sse makes of our streams: a query, subscriptions, a refusal, a wrong key.
import { createClient } from "graphql-sse";

const [, , url, key] = process.argv;
const open = (token) =>
  createClient({ url, retryAttempts: 0, headers: { authorization: `Bearer ${token}` } });
const client = open(key);

async function all(query) {
  const found = [];
  for await (const result of client.iterate({ query })) found.push(result);
  return found;
}

const told = {
  query: await all("{ hello }"),
  count: await all("subscription { count(to: 2) }"),
  refused: (await all("{ unknown }")).flatMap((it) => it.errors).map((it) => it.extensions.code),
  ticks: [],
};
for await (const result of client.iterate({ query: "subscription { ticks }" })) {
  told.ticks.push(result.data.ticks);
  if (told.ticks.length === 2) break;
}
try {
  for await (const _ of open("nobody").iterate({ query: "{ hello }" }));
} catch (error) {
  told.stranger = error.response.status;
}
console.log(JSON.stringify(told));
