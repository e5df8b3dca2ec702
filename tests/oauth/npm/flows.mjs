// Every flow with oauth4webapi, which checks our answers as the RFCs want them.
import * as oauth from "oauth4webapi";

const { GATEWAY_URL, CLIENT_ID, CLIENT_SECRET, KEY_CLIENT_ID, PRIVATE_JWK, LINE_ID } = process.env;
const insecure = { [oauth.allowInsecureRequests]: true };
const issuer = new URL(GATEWAY_URL);

const resource = await oauth.processResourceDiscoveryResponse(
  issuer,
  await oauth.resourceDiscoveryRequest(issuer, insecure),
);
const server = await oauth.processDiscoveryResponse(
  new URL(resource.authorization_servers[0]),
  await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...insecure }),
);

const client = { client_id: CLIENT_ID };
const basic = oauth.ClientSecretBasic(CLIENT_SECRET);
const jwk = JSON.parse(PRIVATE_JWK);
const algorithm = { name: "ECDSA", namedCurve: "P-256" };
const key = await crypto.subtle.importKey("jwk", jwk, algorithm, false, ["sign"]);

async function ownToken(who, auth, options = {}) {
  const parameters = new URLSearchParams({ scope: "lines:read lines:write", resource: issuer.href });
  const asked = { ...insecure, ...options };
  const answer = await oauth.clientCredentialsGrantRequest(server, who, auth, parameters, asked);
  return await oauth.processClientCredentialsResponse(server, who, answer);
}

const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";

async function storefrontToken(text, options = {}) {
  const parameters = new URLSearchParams({
    subject_token: text,
    subject_token_type: ACCESS_TOKEN,
    requested_token_type: ACCESS_TOKEN,
    resource: `${GATEWAY_URL}/v1/lines/${LINE_ID}`,
    scope: "lines:read",
  });
  const asked = { ...insecure, ...options };
  const answer = await oauth.genericTokenEndpointRequest(
    server,
    client,
    basic,
    EXCHANGE,
    parameters,
    asked,
  );
  return await oauth.processGenericTokenEndpointResponse(server, client, answer);
}

async function me(text, options = {}) {
  const url = new URL("/v1/me", issuer);
  const asked = { ...insecure, ...options };
  const answer = await oauth.protectedResourceRequest(text, "GET", url, undefined, undefined, asked);
  return (await answer.json()).kind;
}

async function introspected(text) {
  const answer = await oauth.introspectionRequest(server, client, basic, text, insecure);
  return await oauth.processIntrospectionResponse(server, client, answer);
}

const told = {};
const token = await ownToken(client, basic);
told.basic = [token.token_type, token.expires_in, await me(token.access_token)];
const posted = await ownToken(client, oauth.ClientSecretPost(CLIENT_SECRET));
told.post = await me(posted.access_token);
const signer = oauth.PrivateKeyJwt({ key, kid: "mine" });
told.key = await me((await ownToken({ client_id: KEY_CLIENT_ID }, signer)).access_token);

const storefront = await storefrontToken(token.access_token);
told.storefront = [
  storefront.issued_token_type === ACCESS_TOKEN,
  storefront.token_type,
  storefront.scope,
  await me(storefront.access_token),
];

const request = new Request(new URL("/v1/me", issuer), {
  headers: { authorization: `Bearer ${token.access_token}` },
});
const claims = await oauth.validateJwtAccessToken(server, request, GATEWAY_URL, insecure);
told.claims = [claims.client_id === CLIENT_ID, claims.scope];

const pair = await oauth.generateKeyPair("ES256");
const DPoP = oauth.DPoP(client, pair);
const bound = await ownToken(client, basic, { DPoP });
told.bound = [bound.token_type, await me(bound.access_token, { DPoP })];
const boundStorefront = await storefrontToken(bound.access_token, { DPoP });
told.bound.push(boundStorefront.token_type, await me(boundStorefront.access_token, { DPoP }));

told.introspected = [(await introspected(token.access_token)).active];
await oauth.processRevocationResponse(
  await oauth.revocationRequest(server, client, basic, token.access_token, insecure),
);
told.introspected.push((await introspected(token.access_token)).active);

for (const [name, attempt] of [
  ["wrong_secret", () => ownToken(client, oauth.ClientSecretPost("xgs_wrong"))],
  ["revoked", () => storefrontToken(token.access_token)],
  ["challenged", () => me(token.access_token)],
]) {
  try {
    await attempt();
    told[name] = "taken";
  } catch (error) {
    told[name] = error.error ?? error.cause?.[0]?.parameters?.error ?? `${error}`;
  }
}
console.log(JSON.stringify(told));
