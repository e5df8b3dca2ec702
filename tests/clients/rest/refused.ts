// What the types must refuse. An `@ts-expect-error` above a line that compiles is itself an error.

import type { components } from "./openapi.js";

type LineCreate = components["schemas"]["LineCreate"];

// @ts-expect-error there is no such field
export const unknownField: LineCreate = { period: "P1M", colour: "red" };

// @ts-expect-error one of period, expires_at and never_expires is needed
export const noTerm: LineCreate = { username: "anna" };

// @ts-expect-error ids of bouquets are numbers
export const wrongType: LineCreate = { period: "P1M", bouquet_ids: ["1"] };

// @ts-expect-error a state that is not there
export const wrongState: components["schemas"]["LineState"] = "asleep";

// @ts-expect-error the password is in the answer to a creation only
export const password = (line: components["schemas"]["Line"]) => line.password;
