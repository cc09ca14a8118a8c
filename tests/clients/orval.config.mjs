export default {
  lanekort: {
    input: "./openapi.json",
    output: { baseUrl: { getBaseUrlFromSpecification: true }, client: "fetch", target: "./client.ts" },
  },
};
