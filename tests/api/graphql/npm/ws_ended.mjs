// Follows until the key has ended; the client must not come back with it.
import { createClient } from "graphql-ws";
import webSocketImpl from "ws";

const [, , url, key] = process.argv;
let connections = 0;
const client = createClient({
  url,
  webSocketImpl,
  retryWait: async () => {},
  connectionParams: { Authorization: `Bearer ${key}` },
  on: { connecting: () => connections++ },
});
const told = [];
try {
  for await (const { data } of client.iterate({ query: "subscription { ticks }" })) told.push(data);
} catch (event) {
  told.push(event.code, event.reason);
}
console.log(JSON.stringify([...told, connections]));
