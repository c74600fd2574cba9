import { setTimeout as sleep } from "node:timers/promises";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import express from "express";
import { z } from "zod";

const app = express();
app.use(express.json());

app.post("/mcp", async (request, response) => {
  const server = new McpServer({ name: "counter", version: "1.0.0" });
  server.registerTool("count", { inputSchema: { to: z.number() } },
    async ({ to }, { _meta, sendNotification }) => {
      for (let progress = 1; progress <= to; progress += 1) {
        await sleep(100);
        await sendNotification({ method: "notifications/progress",
          params: { progressToken: _meta.progressToken, progress, total: to } });
      }
      return { content: [{ type: "text", text: `counted to ${to}` }] };
    });
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
  response.on("close", () => server.close());
  await server.connect(transport);
  await transport.handleRequest(request, response, request.body);
});

app.listen(process.env.PORT ?? 3000, "127.0.0.1");
