// Types for the documents in main.ts, made from the published schema. SDL: where it is.

export default {
  schema: process.env.SDL,
  documents: "graphql/*.ts",
  generates: {
    "graphql/made/": {
      preset: "client",
      presetConfig: { fragmentMasking: false },
      config: {
        documentMode: "string",
        defaultScalarType: "unknown",
        scalars: { DateTime: "string" },
        useTypeImports: true,
      },
    },
  },
  importExtension: ".js",
  emitLegacyCommonJSImports: false,
};
