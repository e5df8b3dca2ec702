// Follows at one place, and after that has stopped at another, without being told to.
import { createClient } from "graphql-sse";

const [, , first, key, second] = process.argv;
let tries = 0;
const client = createClient({
  url: () => (tries++ === 0 ? first : second),
  retry: async () => {},
  headers: { authorization: `Bearer ${key}` },
});
const told = [];
for await (const { data } of client.iterate({ query: "subscription { ticks }" })) {
  told.push(data.ticks);
  if (told.length === 3) break;
}
console.log(JSON.stringify(told));
