// Follows until the key has ended.
import { createClient } from "graphql-sse";

const [, , url, key] = process.argv;
const client = createClient({ url, retryAttempts: 0, headers: { authorization: `Bearer ${key}` } });
const told = [];
for await (const { data, errors } of client.iterate({ query: "subscription { ticks }" })) {
  told.push(errors ? errors[0].extensions.code : data);
}
told.push("complete");
console.log(JSON.stringify(told));
