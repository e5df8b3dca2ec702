// Runs all audits of graphql-http and prints what came of each.
import { key, load, url } from "./packages.mjs";

const { auditServer } = load("graphql-http");
const fetchFn = (address, init = {}) =>
  fetch(address, { ...init, headers: { ...init.headers, authorization: `Bearer ${key}` } });
const results = await auditServer({ url, fetchFn });
const told = results.map(({ id, name, status, reason }) => ({ id, name, status, reason }));
console.log(JSON.stringify(told));
