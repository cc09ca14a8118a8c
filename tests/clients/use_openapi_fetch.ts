// What a library's programmer writes with openapi-typescript and openapi-fetch.
import createClient from "openapi-fetch";
import type { paths } from "./api.d.ts";

declare const process: { argv: string[] };
const [, , baseUrl, authorization, code] = process.argv;
const api = createClient<paths>({ baseUrl, headers: { Authorization: authorization } });
const patron = { card_number: "N000100001" };

const accepted = (await api.POST("/api/v1/scan", { body: { payload: code } })).data;
const refused = (await api.POST("/api/v1/scan", { body: { payload: "921000000000000000000000" } })).data;
// @ts-expect-error A correction needs If-Match.
const missing = await api.PATCH("/api/v1/patrons/{card_number}", { params: { path: patron }, body: { place: "Moss" } });
// @ts-expect-error A death names a card number or a national id.
const nobody = await api.POST("/api/v1/deaths", { body: {} });
const fetched = await api.GET("/api/v1/patrons/{card_number}", { params: { path: patron } });
const header = { "If-Match": fetched.response.headers.get("ETag")! };
const corrected = await api.PATCH("/api/v1/patrons/{card_number}", {
  params: { path: patron, header },
  body: { place: "Moss", phone: null },
});
const stale = await api.PATCH("/api/v1/patrons/{card_number}", { params: { path: patron, header }, body: {} });

console.log(
  JSON.stringify({
    accepted: accepted?.result === "accepted" ? accepted.patron.name : null,
    refused: refused?.result === "refused" ? refused.reason : null,
    missing: missing.response.status,
    nobody: nobody.error?.status,
    corrected: [corrected.data?.place, corrected.data?.phone],
    stale: stale.error?.code,
  }),
);
