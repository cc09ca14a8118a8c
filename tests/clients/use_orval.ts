// What a library's programmer writes with orval's client for fetch; it takes the address from the document.
import { correctPatron, fetchPatron, reportDeath, scanCard } from "./client.ts";

declare const process: { argv: string[] };
const [, , , Authorization, code] = process.argv;
const headers = { Authorization };
const number = "N000100001";

const accepted = (await scanCard({ payload: code }, { headers })).data;
const refused = (await scanCard({ payload: "921000000000000000000000" }, { headers })).data;
const missing = await correctPatron(number, { place: "Moss" }, { headers });
// @ts-expect-error A death names a card number or a national id.
const nobody = await reportDeath({}, { headers });
const fetched = await fetchPatron(number, { headers });
const seen = { ...headers, "If-Match": fetched.headers.get("ETag")! };
const corrected = await correctPatron(number, { place: "Moss", phone: null }, { headers: seen });
const stale = await correctPatron(number, {}, { headers: seen });

console.log(
  JSON.stringify({
    accepted: "result" in accepted && accepted.result === "accepted" ? accepted.patron.name : null,
    refused: "result" in refused && refused.result === "refused" ? refused.reason : null,
    missing: missing.status,
    nobody: nobody.status,
    corrected: corrected.status === 200 ? [corrected.data.place, corrected.data.phone] : null,
    stale: stale.status === 412 ? stale.data.code : null,
  }),
);
