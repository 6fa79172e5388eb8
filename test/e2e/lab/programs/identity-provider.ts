// `ISSUER REDIRECT_URI TOKEN_LIFE_SECONDS`: an OpenID provider with one client, where every name is an account.
import Provider from "oidc-provider";

const [issuer = "", redirectUri = "", tokenLife = ""] = process.argv.slice(2);
const provider = new Provider(issuer, {
  clients: [{ client_id: "headscale", client_secret: "lab-secret", redirect_uris: [redirectUri] }],
  claims: { openid: ["sub"], profile: ["name", "preferred_username"], email: ["email", "email_verified"] },
  cookies: { keys: ["lab"] },
  ttl: { IdToken: Number(tokenLife) },
  pkce: { required: () => true },
  findAccount: (_, name) => ({
    accountId: name,
    claims: () => ({
      sub: name,
      preferred_username: name,
      name: `Person ${name}`,
      email: `${name}@example.test`,
      email_verified: true,
    }),
  }),
});
provider.listen(Number(new URL(issuer).port), () => console.log("ready"));
