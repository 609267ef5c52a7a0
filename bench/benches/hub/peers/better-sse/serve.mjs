// Every client in one channel, and what is posted goes to all of it.
import { createServer } from "node:http";
import { createChannel, createSession } from "better-sse";

const channel = createChannel();

const server = createServer(async (request, response) => {
  if (request.method === "POST") {
    let payload = "";
    request.setEncoding("utf8");
    for await (const part of request) payload += part;
    channel.broadcast(payload, "message");
    response.end();
    return;
  }
  // The payload is text already.
  const session = await createSession(request, response, { serializer: (data) => data });
  session.push("connected", "message");
  channel.register(session);
});
server.requestTimeout = 0;
server.keepAliveTimeout = 0;
server.listen({ port: Number(process.env.PORT), host: "127.0.0.1", backlog: 4096 });
