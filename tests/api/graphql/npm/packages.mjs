// The packages are outside of the repository, where imports would not find them.
import { createRequire } from "node:module";

export const load = createRequire(`${process.env.NODE_MODULES}/`);
export const [, , url, key] = process.argv;
