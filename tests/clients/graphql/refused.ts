// What the types must refuse. An `@ts-expect-error` above a line that compiles is itself an error.

import type { CreateLineMutation, CreateLineMutationVariables } from "./made/graphql.js";

// @ts-expect-error there is no such field
export const unknownField: CreateLineMutationVariables = { input: { colour: "red" } };

// @ts-expect-error ids of bouquets are numbers
export const wrongType: CreateLineMutationVariables = { input: { bouquetIds: ["1"] } };

// @ts-expect-error a problem has no line: ask for the type first
export const unchecked = (result: CreateLineMutation["createLine"]) => result.line.id;
