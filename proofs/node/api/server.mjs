// Serves a database as Supabase's Data API does: knows @supabase/lite; must not know our tables.
//
// One JSON line on standard input says what to serve; one on standard output says where. It ends when
// its input does, and so with whoever started it.

import { serve } from "@hono/node-server";
import { App } from "@supabase/lite";
import { createPostgresConnection } from "@supabase/lite/postgres";
import { createInterface } from "node:readline";

const input = createInterface({ input: process.stdin });
input.once("close", () => process.exit(0));
input.once("line", async (line) => {
  const { url, secret, publishableKey, secretKey, keepGrants } = JSON.parse(line);
  const connection = createPostgresConnection({ url });
  if (connection.rlsState !== "unknown") {
    throw new Error("@supabase/lite has no rlsState any more: see what it grants, then mend this");
  }
  if (keepGrants) {
    // While this is "unknown", its first request does GRANT ALL ON ALL TABLES to every API role.
    connection.rlsState = "active";
  }
  const app = new App({
    connection,
    auth: {
      enabled: false,
      jwt_secret: secret,
      publishable_key: publishableKey,
      secret_key: secretKey,
    },
    studio: { enabled: false },
    options: { server: { middlewares: [withoutAccounts] } },
  });
  const server = serve(
    {
      fetch: (request, env) =>
        app.fetch(request, { peerAddress: env.incoming.socket.remoteAddress ?? null }),
      hostname: "127.0.0.1",
      port: 0,
    },
    ({ port }) => process.stdout.write(`${JSON.stringify({ port })}\n`),
  );
  server.once("error", (error) => {
    throw error;
  });
});

// 0.10.0 looks a token's account up even where its own auth is off, and then fails for want of the
// service. Nobody has an account here; whether the token is good, the Data API asks by itself.
async function withoutAccounts(context, next) {
  const nobody = async () => null;
  context.set("authService", { repo: { findUserById: nobody, findSessionById: nobody } });
  await next();
}
