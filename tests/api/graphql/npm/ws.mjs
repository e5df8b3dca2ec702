// What graphql-ws makes of our connections: a query, subscriptions, a refusal, a wrong key.
import { createClient } from "graphql-ws";
import webSocketImpl from "ws";

const [, , url, key] = process.argv;
const open = (token) =>
  createClient({
    url,
    webSocketImpl,
    retryWait: async () => {},
    connectionParams: { authorization: `Bearer ${token}` },
  });
const client = open(key);

async function all(query) {
  const found = [];
  for await (const result of client.iterate({ query })) found.push(result);
  return found;
}

const told = {
  query: await all("{ hello }"),
  count: await all("subscription { count(to: 2) }"),
  ticks: [],
};
try {
  await all("{ unknown }");
} catch (errors) {
  told.refused = errors.map((it) => it.extensions.code);
}
for await (const result of client.iterate({ query: "subscription { ticks }" })) {
  told.ticks.push(result.data.ticks);
  if (told.ticks.length === 2) break;
}
try {
  for await (const _ of open("nobody").iterate({ query: "{ hello }" }));
} catch (event) {
  told.stranger = event.code;
}
console.log(JSON.stringify(told));
