// The demonstration's sign-in service: a real OpenID Connect provider with invented people, for this machine alone.
// demo.py starts it (app/demo/eid.py). It reads what it is to be as one line of JSON from its standard input, says
// "ready" when its door is open, and ends when that input does.

import { createInterface } from "node:readline";
import { createServer } from "node:http";

import Provider, { interactionPolicy } from "oidc-provider";

// The provider's quick-start warnings are about what a real service must not do.
console.warn = () => {};
console.info = () => {};

const STYLE = `
:root { color-scheme: light dark; --ink: #1b2430; --paper: #f5f6f8; --tile: #fff; --line: #8b95a5; --own: #1a4a7a; --on: #fff; }
@media (prefers-color-scheme: dark) { :root { --ink: #eef1f5; --paper: #12161c; --tile: #1d232c; --line: #707b8c; --own: #9cc7f2; --on: #10161d; } }
* { box-sizing: border-box; }
body { background: var(--paper); color: var(--ink); font: 1.0625rem/1.5 system-ui, sans-serif; margin: 0; }
header { background: var(--own); color: var(--on); padding: .875rem 1.25rem; font-weight: 700; }
main { margin: 0 auto; max-width: 36rem; padding: 1.5rem 1.25rem 3rem; }
h1 { font-size: 1.625rem; line-height: 1.25; margin: 0 0 .5rem; }
ul { list-style: none; margin: 1.5rem 0; padding: 0; display: grid; gap: .75rem; }
form { margin: 0; }
button { background: var(--tile); border: 1px solid var(--line); border-radius: .5rem; color: inherit; cursor: pointer; font: inherit; min-height: 3rem; padding: .75rem 1rem; text-align: start; width: 100%; }
a { color: inherit; display: inline-block; padding: .75rem 0; }
button strong { display: block; }
button:hover { border-color: var(--own); }
button:focus-visible { outline: 3px solid var(--own); outline-offset: 2px; }
.cancel { text-align: center; }
`;

const escape = (text) =>
  String(text).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

function page(title, body) {
  return `<!DOCTYPE html>
<html lang="nb"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title><style>${STYLE}</style></head>
<body><header>ID-porten – demonstrasjon</header><main><h1>${escape(title)}</h1>${body}</main></body></html>`;
}

function loginPage(uid, people) {
  const rows = people.map(
    (person) => `<li><form method="post" action="/interaction/${escape(uid)}">
<input type="hidden" name="sub" value="${escape(person.sub)}">
<button type="submit"><strong>${escape(person.name)}</strong> ${escape(person.about)}</button></form></li>`,
  );
  return page(
    "Velg testperson",
    `<p>Dette er ikke ID-porten, men en innlogging på denne maskinen med oppdiktede personer og syntetiske fødselsnumre.</p>
<ul>${rows.join("")}</ul>
<form method="post" action="/interaction/${escape(uid)}/abort"><button class="cancel" type="submit">Avbryt</button></form>`,
  );
}

function wayBack(told) {
  const start = new URL("/", told.client.redirect_uris[0]);
  return `<p><a href="${escape(start)}">Tilbake til Lånekort</a></p>`;
}

async function readForm(request) {
  let text = "";
  for await (const chunk of request) {
    text += chunk;
    if (text.length > 10_000) throw new Error("too large");
  }
  return new URLSearchParams(text);
}

function build(told) {
  const people = new Map(told.people.map((person) => [person.sub, person]));
  // Whoever may sign in here has agreed: there is only one client, and it is ours.
  const policy = interactionPolicy.base();
  policy.remove("consent");
  return new Provider(told.issuer, {
    clients: [told.client],
    acrValues: told.acr,
    claims: {
      openid: ["sub", "pid"],
      profile: ["name", "birthdate", "gender"],
      acr: null,
      auth_time: null,
      sid: null,
    },
    conformIdTokenClaims: false,
    cookies: { keys: [told.cookie_key] },
    features: { devInteractions: { enabled: false } },
    findAccount: (_ctx, sub) => {
      const person = people.get(sub);
      return person && { accountId: sub, claims: async () => ({ sub, ...person.claims }) };
    },
    interactions: { policy, url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    loadExistingGrant: async (ctx) => {
      const grant = new ctx.oidc.provider.Grant({
        accountId: ctx.oidc.session.accountId,
        clientId: ctx.oidc.client.clientId,
      });
      grant.addOIDCScope("openid profile");
      await grant.save();
      return grant;
    },
    pkce: { required: () => true },
    ttl: { AuthorizationCode: 120, IdToken: 120, AccessToken: 120, Interaction: 900, Session: 900, Grant: 900 },
    renderError: (ctx, out) => {
      ctx.type = "html";
      ctx.body = page("Det gikk ikke", `<p>${escape(out.error)}: ${escape(out.error_description ?? "")}</p>${wayBack(told)}`);
    },
  });
}

function serve(told) {
  const provider = build(told);
  const answer = provider.callback();
  const server = createServer(async (request, response) => {
    const [, uid, abort] = /^\/interaction\/([\w-]+)(\/abort)?$/.exec(request.url) ?? [];
    if (!uid) return answer(request, response);
    try {
      if (request.method !== "POST") {
        await provider.interactionDetails(request, response);
        response.writeHead(200, { "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store" });
        return response.end(loginPage(uid, told.people));
      }
      const result = abort
        ? { error: "access_denied", error_description: "cancelled by the person" }
        : { login: { accountId: (await readForm(request)).get("sub"), acr: told.acr.at(-1), remember: false } };
      return await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
    } catch {
      response.writeHead(400, { "Content-Type": "text/html; charset=utf-8" });
      return response.end(page("Det gikk ikke", `<p>Denne innloggingen er brukt eller for gammel.</p>${wayBack(told)}`));
    }
  });
  server.listen(told.port, "127.0.0.1", () => process.stdout.write("ready\n"));
  server.on("error", () => process.exit(1));
}

const input = createInterface({ input: process.stdin });
input.once("line", (line) => serve(JSON.parse(line)));
input.once("close", () => process.exit(0));
