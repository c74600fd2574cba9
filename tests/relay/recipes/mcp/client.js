import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const gateway = process.env.GATEWAY ?? "https://gateway.example";
const client = new Client({ name: "caller", version: "1.0.0" });
await client.connect(new StreamableHTTPClientTransport(new URL(`${gateway}/mcp`)));

const onprogress = ({ progress, total }) => console.log(`${progress} of ${total}`);
const { content } = await client.callTool({ name: "count", arguments: { to: 5 } }, undefined, { onprogress });
console.log(content[0].text);
await client.close();
