// Follows at one place, and after that has stopped at another, without being told to.
import { createClient } from "graphql-ws";
import webSocketImpl from "ws";

const [, , first, key, second] = process.argv;
let tries = 0;
const client = createClient({
  url: () => (tries++ === 0 ? first : second),
  webSocketImpl,
  retryWait: async () => {},
  connectionParams: { Authorization: `Bearer ${key}` },
});
const told = [];
for await (const { data } of client.iterate({ query: "subscription { ticks }" })) {
  told.push(data.ticks);
  if (told.length === 3) break;
}
console.log(JSON.stringify(told));
